import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { delimiter, join } from 'node:path';
import {
  cancel,
  readDuration,
  readMaxArraySize,
  readQueue,
  requeue,
  sacct,
  sbatch,
  squeue,
  stateOf,
} from '../../../src/engine/slurm/commands.js';
import { shareOf, thisJob } from '../../../src/engine/slurm/this-job.js';
import { temporaryFolder } from '../../e2e/command.js';

const path = process.env['PATH'];
let folder = '';

beforeEach(() => {
  folder = temporaryFolder();
  process.env['PATH'] = `${folder}${delimiter}${path ?? ''}`;
});
afterEach(() => {
  process.env['PATH'] = path;
});

/** Puts a program of that name before the real one. */
function fake(name: string, script: string): void {
  fs.writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

const RUN = { directory: '/data/my|run', jobScript: '/data/my|run/job.sh' };
const NONE = { jobs: [], folds: [] };
const NOTHING = { ...NONE, waiting: 0, running: 0, reasons: [] };

/** A line of squeue's about a job of a run. */
function line(
  id: string,
  state: string,
  reason = 'None',
  { name = 'job', command = '/other.sh', place = RUN.directory } = {},
): string {
  return [id, state, reason, name, command, place].join('\x1f');
}

describe('readQueue', () => {
  test('counts elements that wait and run, and knows why', () => {
    const text = [
      line('76_[2-9%2]', 'PENDING', 'JobArrayTaskLimit'),
      line('76_0', 'RUNNING'),
      line('76_1', 'COMPLETING'),
      line('77_[1,3,5-9:2]', 'PENDING', 'Resources'),
      line('78', 'PENDING', 'Dependency'),
      line('79_4', 'CANCELLED'),
      '',
    ].join('\n');
    expect(readQueue(text, '/data/my|run', { jobs: ['76', '77', '79'], folds: ['78'] })).toEqual({
      jobs: ['76', '77'],
      folds: ['78'],
      waiting: 8 + 5,
      running: 2,
      reasons: ['JobArrayTaskLimit', 'Resources'],
    });
    expect(readQueue('', '/data/run', NONE)).toEqual(NOTHING);
  });

  test('knows arrays that are not on record by their names and scripts', () => {
    const text = [
      line('1_0', 'RUNNING', 'None', { name: 'fanfold-model-abc' }),
      line('2_[0-3]', 'PENDING', 'Priority', { command: '/data/my|run/job.sh --first 4' }),
      line('3_0', 'RUNNING', 'None', { command: '/data/my|run/analysis.sh' }),
      line('4', 'RUNNING', 'None', { name: 'fanfold-model-abc', command: '/data/my|run/fold.sh' }),
      line('5_0', 'RUNNING', 'None', { name: 'fanfold-model-abc', place: '/elsewhere' }),
    ].join('\n');
    expect(readQueue(text, '/data/my|run', NONE)).toMatchObject({
      jobs: ['1', '2'],
      folds: [],
      waiting: 4,
      running: 1,
    });
  });

  test('leaves out the jobs of others that have the same numbers', () => {
    fs.mkdirSync(join(folder, 'run'));
    fs.symlinkSync(join(folder, 'run'), join(folder, 'link'));
    const known = { jobs: ['1'], folds: [] };
    const text = ['/home/other', join(folder, 'run')]
      .map((place, index) => line(`1_${String(index)}`, 'RUNNING', 'None', { place }))
      .join('\n');
    for (const name of ['run', 'link'])
      expect(readQueue(text, join(folder, name), known)).toMatchObject({ jobs: ['1'], running: 1 });
    expect(readQueue(text, '/nowhere', known)).toMatchObject({ jobs: [], running: 0 });
  });
});

describe('squeue', () => {
  test('asks once for all jobs, whatever the environment says', async () => {
    process.env['SQUEUE_STATES'] = 'RUNNING';
    const answer = join(folder, 'answer');
    fs.writeFileSync(answer, `${line('2_0', 'RUNNING')}\n`);
    fake('squeue', `printf '%s\\n' "$*$SQUEUE_STATES" >>'${folder}/asked'; cat '${answer}'`);
    expect(await squeue(RUN, { jobs: ['1', '2'], folds: [] })).toMatchObject({ running: 1 });
    delete process.env['SQUEUE_STATES'];
    expect(fs.readFileSync(join(folder, 'asked'), 'utf8')).toBe(
      `--noheader --user=${String(process.getuid?.())} --format=%i\x1f%T\x1f%r\x1f%j\x1f%o\x1f%Z\n`,
    );
  });

  test('knows an empty queue from a controller that does not answer', async () => {
    fake('squeue', 'exit 0');
    expect(await squeue(RUN, NONE)).toEqual(NOTHING);
    fake(
      'squeue',
      'echo "slurm_load_jobs error: Unable to contact slurm controller (connect failure)" >&2; exit 1',
    );
    expect(await squeue(RUN, NONE)).toBeUndefined();
    fake('squeue', 'exec sleep 600');
    expect(await squeue(RUN, NONE, { patienceMs: 50 })).toBeUndefined();
    expect(await squeue(RUN, NONE, { signal: AbortSignal.timeout(50) })).toBeUndefined();
  });
});

test('a refusal of scancel is told, that a job has ended is none', async () => {
  fake('scancel', 'echo "scancel: error: Kill job error on job id 7: Access/permission denied" >&2; exit 1');
  await expect(cancel(['7'])).rejects.toThrow(
    'scancel refused it: scancel: error: Kill job error on job id 7',
  );
  fake('scancel', 'echo "scancel: error: Kill job error on job id 7: Invalid job id specified" >&2; exit 1');
  await cancel(['7']);
});

describe('sbatch', () => {
  const job = { script: 'job.sh', folder: '.', options: ['--array=0-3'], args: ['--retry'] };

  test('gives the id of the job, also of one on another cluster', async () => {
    fake('sbatch', `printf '%s\\n' "$@" >'${folder}/args'; echo '4711;other'`);
    expect(await sbatch(job)).toBe('4711');
    expect(fs.readFileSync(join(folder, 'args'), 'utf8')).toBe('--parsable\n--array=0-3\njob.sh\n--retry\n');
  });

  test('fails with the words of Slurm', async () => {
    fake(
      'sbatch',
      'printf "sbatch: error: a\\nsbatch: error: Batch job submission failed: b\\n" >&2; exit 1',
    );
    await expect(sbatch(job)).rejects.toThrow('sbatch refused it: a; Batch job submission failed: b.');
    fake('sbatch', 'exit 255');
    await expect(sbatch(job)).rejects.toThrow(
      'sbatch refused it: it ended with exit status 255 and said nothing.',
    );
    fake(
      'sbatch',
      'echo "sbatch: error: Batch job submission failed: Unable to contact slurm controller" >&2; exit 1',
    );
    await expect(sbatch(job)).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining("Slurm's controller, but it does not answer (sbatch: ") as unknown,
    });
  });

  test('says where to be when it is not there', async () => {
    process.env['PATH'] = folder;
    await expect(sbatch(job)).rejects.toThrow("Expected Slurm's commands on PATH, but sbatch is not there");
  });
});

test('the accounting is asked from before the submission on, and may be missing', async () => {
  fake('sacct', `printf '%s\\n' "$*" >'${folder}/args'; printf '7_0|COMPLETED\\n7_1|OUT_OF_MEMORY\\n'`);
  expect(await sacct(['7', '8'], new Date(2026, 0, 2, 3, 4, 5))).toEqual(
    new Map([
      ['7_0', 'COMPLETED'],
      ['7_1', 'OUT_OF_MEMORY'],
    ]),
  );
  expect(fs.readFileSync(join(folder, 'args'), 'utf8')).toContain(
    '--starttime=2026-01-02T03:04:05 --jobs=7,8 ',
  );
  fake('sacct', 'echo "Slurm accounting storage is disabled" >&2; exit 1');
  expect(await sacct(['7'], new Date())).toEqual(new Map());
  process.env['PATH'] = '/nowhere';
  expect(await sacct(['7'], new Date())).toEqual(new Map());
});

test('the bound of indices is read from the configuration', async () => {
  fake('scontrol', "printf 'Configuration data\\nMaxArraySize            = 4001\\nMaxJobCount = 1\\n'");
  expect(await readMaxArraySize()).toBe(4001);
  fake('scontrol', 'exit 1');
  expect(await readMaxArraySize()).toBe(1001);
  fake('scontrol', 'exec sleep 600');
  await expect(readMaxArraySize({ patienceMs: 50 })).rejects.toThrow('(scontrol: it took too long)');
  fake('scontrol', "echo 'MaxArraySize = 1'");
  await expect(readMaxArraySize()).rejects.toThrow('a cluster with array jobs');
});

test('a job is put back into the queue, or the words say why not', async () => {
  fake('scontrol', '[ "$*" = "requeue 7_1" ]');
  expect(await requeue('7_1')).toBeUndefined();
  fake('scontrol', 'echo "Requested operation is presently disabled for job 7_1" >&2; exit 1');
  expect(await requeue('7_1')).toBe('Requested operation is presently disabled for job 7_1');
  fake('squeue', 'echo RUNNING');
  expect(await stateOf('7_1')).toBe('RUNNING');
  fake('squeue', 'exit 0');
  expect(await stateOf('7_1')).toBeUndefined();
});

test.each([
  ['1-02:03:04', 93_784_000],
  ['10:00', 600_000],
  ['0:05', 5_000],
  ['UNLIMITED', undefined],
  ['NOT_SET', undefined],
  ['', undefined],
])('the duration %j is %j ms', (text, ms) => {
  expect(readDuration(text)).toBe(ms);
});

describe('this job', () => {
  test('is known by the environment', () => {
    expect(thisJob({})).toBeUndefined();
    expect(thisJob({ SLURM_JOB_ID: '9' })).toEqual({ id: '9', array: '9', restarts: 0, endsAtMs: undefined });
    expect(
      thisJob({
        SLURM_JOB_ID: '9',
        SLURM_ARRAY_JOB_ID: '7',
        SLURM_ARRAY_TASK_ID: '3',
        SLURM_RESTART_COUNT: '2',
        SLURM_JOB_END_TIME: '100',
      }),
    ).toEqual({ id: '7_3', array: '7', restarts: 2, endsAtMs: 100_000 });
  });

  test.each([0, 1, 1000, 60_000, 3_600_000, 864_000_000])('has %d ms, and ends before', (leftMs) => {
    const { beginMs, finishMs } = shareOf(leftMs);
    expect(beginMs).toBeGreaterThanOrEqual(1);
    expect(finishMs).toBeGreaterThanOrEqual(beginMs);
    expect(finishMs).toBeLessThanOrEqual(Math.max(1, leftMs));
    expect(leftMs - beginMs).toBeLessThanOrEqual(60_000);
  });
});

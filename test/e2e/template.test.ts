import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { dirname, join } from 'node:path';
import { testWith } from '../tools.js';
import { fanfold, read, start, temporaryFolder, until, WORKERS, writeWorker } from './command.js';
import { sgeBed } from './sge-bed.js';
import { slurmBed } from './slurm-bed.js';

const DOUBLE = join(WORKERS, 'double.ts');
const SPEC = [DOUBLE, '--range', '0:17', '--tasks', '5'];
/** What every kind of quoting gets wrong at least once. */
const ODD = `my "runs" at 5% #1, it's $HOME: é`;
const SLOW =
  'export default async ({ x }) => { await new Promise((r) => setTimeout(r, 500)); return 2 * x; };';

/** Prints a template into a file beside the run directory. */
async function write(
  scheduler: string,
  args: readonly string[],
  { name = 'run', folder = temporaryFolder() } = {},
): Promise<{ out: string; script: string; folder: string; stderr: string }> {
  const out = join(folder, name);
  const script = join(folder, 'sweep.sh');
  const { exitCode, stdout, stderr } = await fanfold(['template', scheduler, '--out', out, ...args], {
    cwd: folder,
  });
  expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
  fs.writeFileSync(script, stdout);
  return { out, script, folder, stderr };
}

/** The result of the same sweep in processes of this machine. */
async function here(args: readonly string[]): Promise<string> {
  const out = join(temporaryFolder(), 'run');
  expect(await fanfold(['run', ...args, '--out', out, '--quiet'])).toMatchObject({ exitCode: 0 });
  return read(out, 'result.txt');
}

/** What a scheduler tells an element by. */
const VARIABLES: Record<string, (index: number) => Record<string, string>> = {
  slurm: (index) => ({ SLURM_ARRAY_TASK_ID: String(index) }),
  pbs: (index) => ({ PBS_JOBID: `7[${String(index)}].server`, PBS_ARRAY_INDEX: String(index) }),
  torque: (index) => ({
    PBS_JOBID: `7-${String(index)}.server`,
    PBS_ARRAYID: String(index),
    PBS_NUM_PPN: '1',
  }),
  sge: (index) => ({ JOB_ID: '7', SGE_TASK_ID: String(index + 1) }),
  lsf: (index) => ({ LSB_JOBID: '7', LSB_JOBINDEX: String(index + 1) }),
};

/** Where it has its log if no directive can say so. */
const LOGS: Record<string, (index: number) => string> = {
  pbs: (index) => `pbs-7[${String(index)}].server.log`,
  torque: (index) => `pbs-7-${String(index)}.server.log`,
  sge: (index) => `sge-7.${String(index + 1)}.log`,
  lsf: (index) => `lsf-7_${String(index + 1)}.log`,
};

describe('fanfold template', () => {
  test.each(Object.keys(VARIABLES))(
    'prints a script that computes each element where %s says which',
    async (which) => {
      const scheduler = which === 'torque' ? 'pbs' : which;
      const { out, script, folder, stderr } = await write(scheduler, [...SPEC, '--pack', '2'], { name: ODD });
      expect(stderr).toContain('17 points in 5 tasks, 3 elements');
      expect(fs.readdirSync(out).sort()).toEqual([
        'fold.sh',
        'logs',
        'sweep.json',
        'sweep.json.copy',
        'worker.mjs',
      ]);
      await execa('bash', ['-n', script]);
      await Promise.all(
        [0, 1, 2].map((index) =>
          execa('bash', [script], { env: VARIABLES[which]?.(index) ?? {}, cwd: folder }),
        ),
      );
      expect(fs.existsSync(join(out, 'result.txt'))).toBe(false);
      await execa('bash', [join(out, 'fold.sh')], { cwd: folder });
      expect(read(out, 'result.txt')).toBe(await here(SPEC));
      // Once more: everything is there.
      const again = await execa('bash', [script], { env: VARIABLES[which]?.(1) ?? {}, cwd: folder });
      const logs = LOGS[which]?.(1);
      expect(logs === undefined ? again.stderr : read(out, 'logs', logs)).toContain(
        'tasks 2-3: complete, 0 points computed now',
      );
    },
  );

  test('takes a command, and keeps a run directory that holds this run', async () => {
    const args = ['--param', 'T=1:4', '--tasks', '2', '--', 'echo', '{T}.5'];
    const { out, script, folder } = await write('pbs', args);
    const manifest = read(out, 'sweep.json');
    await execa('bash', [script], { env: { PBS_ARRAY_INDEX: '0' }, cwd: folder });
    await write('pbs', args, { folder });
    expect(read(out, 'sweep.json')).toBe(manifest);
    expect(fs.existsSync(join(out, 'task_index=0.txt'))).toBe(true);
    const other = await fanfold(['template', 'pbs', ...SPEC, '--out', out]);
    expect(other).toMatchObject({ exitCode: 2, stdout: '' });
    expect(other.stderr).toContain('but it holds another');
    const pack = await fanfold(['template', 'sge', '--pack', '2', '--out', out, ...args], { cwd: folder });
    expect(pack).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test('checks the sweep as a run does, and writes nothing where it is wrong', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'broken.mjs', 'export default 5; throw new Error("oops");');
    const out = join(folder, 'run');
    const broken = await fanfold(['template', 'lsf', worker, '--range', '0:3', '--out', out]);
    expect(broken).toMatchObject({ exitCode: 2, stdout: '' });
    expect(broken.stderr).toContain('oops');
    expect(fs.existsSync(out)).toBe(false);
  });

  test.each([
    [
      ['sge', ...SPEC, '--jobs', '4'],
      'Expected --jobs with fanfold run, got it with template: --max-running',
    ],
    [['sge', ...SPEC, '--serial'], '--max-running 1'],
    [['pbs', ...SPEC, '--detach'], 'nothing is started here'],
    [['pbs', ...SPEC, '--compare'], 'compare on one machine'],
    [['lsf', ...SPEC, '--time-limit', '1h'], 'time_limit='],
    [['lsf', ...SPEC, '--dry-run'], 'fanfold run --dry-run'],
    [['slurm', ...SPEC, '--engine', 'local'], 'the scheduler is named behind template'],
    [['sge', ...SPEC, '--slurm', 'partition=main'], 'Expected --slurm with template slurm, got it with sge'],
    [['slurm', ...SPEC, '--slurm', 'array=0-3'], 'Expected --slurm to leave array alone'],
    [['condor', ...SPEC], 'slurm, pbs, sge, lsf'],
    [['sge', DOUBLE, 'another'], 'Expected one worker'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await fanfold(['template', ...args], { cwd: temporaryFolder() });
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  test('says where an array may be too long', async () => {
    const args = [DOUBLE, '--range', '0:12000', '--tasks', '12000'];
    expect((await write('pbs', args)).stderr).toContain(
      'PBS has at most 10000 elements in an array unless its max_array_size was raised; with --pack 2',
    );
    expect((await write('sge', args)).stderr).not.toContain('at most');
  });

  test('ends a script on a node that lacks something, and says what and where', async () => {
    const { out, script } = await write('lsf', SPEC);
    fs.moveSync(out, `${out}-elsewhere`);
    const { exitCode, stderr } = await execa('bash', [script], { env: { LSB_JOBINDEX: '1' }, reject: false });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/Expected .*sweep\.json on \S+ as on the machine/);
  });

  test.each(['pbs', 'sge', 'lsf'])(
    'has a script for %s that is no array end with a clear error',
    async (name) => {
      const { script } = await write(name, SPEC);
      const env = { SGE_TASK_ID: 'undefined', LSB_JOBINDEX: '0' };
      const { exitCode, stderr } = await execa('bash', [script], { env, reject: false });
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining('Expected an element of an array')]);
    },
  );

  test('goes on after a warning or a time limit, which ask for another start', async () => {
    const folder = temporaryFolder();
    const worker = writeWorker(folder, 'slow.mjs', SLOW);
    const args = [worker, '--range', '0:6', '--tasks', '1'];
    const { out, script } = await write('sge', args, { folder });
    const timed = read(script).replace('time_limit=\n', 'time_limit=1500ms\n');
    const limited = await execa('bash', ['-c', timed], { env: { SGE_TASK_ID: '1' }, reject: false });
    expect([limited.exitCode, limited.stderr]).toEqual([99, expect.stringContaining('stopped')]);
    // Too short for any point: another start would be in vain.
    const short = await execa('bash', ['-c', timed.replace('1500ms', '1ms')], {
      env: { SGE_TASK_ID: '1' },
      reject: false,
    });
    expect([short.exitCode, short.stderr]).toEqual([1, expect.stringContaining('No point was finished')]);
    const element = start(['element', out, '0']);
    const part = join(out, 'task_index=0.txt.part');
    const before = read(part).length;
    await until('another point', () => read(part).length > before);
    element.kill('SIGUSR2');
    element.kill('SIGUSR1');
    const { exitCode } = await element;
    // The last point may have been in hand.
    expect([0, 75]).toContain(exitCode);
    await execa('bash', [script], { env: { SGE_TASK_ID: '1' } });
    await execa('bash', [join(out, 'fold.sh')]);
    expect(read(out, 'result.txt')).toBe('0   0\n1   2\n2   4\n3   6\n4   8\n5   10\n');
  });
});

describe('a template on Slurm', () => {
  const bed = slurmBed();

  testWith('slurm', 'computes the run, and the job behind it makes the result', async () => {
    const { out, script } = await write('slurm', [...SPEC, '--pack', '2', '--slurm', 'partition=main'], {
      name: ODD,
    });
    await bed.run('sbatch', '--test-only', script);
    const job = await bed.run('sbatch', '--parsable', script);
    await bed.run('sbatch', `--dependency=afterany:${job}`, join(out, 'fold.sh'));
    await until('the result', () => fs.existsSync(join(out, 'result.txt')), 50_000);
    expect(read(out, 'result.txt')).toBe(await here(SPEC));
    expect(fs.readdirSync(join(out, 'logs'))).toEqual(
      expect.arrayContaining([0, 1, 2].map((index) => `slurm-${job}_${String(index)}.log`)),
    );
  });
});

describe('a template on Grid Engine', () => {
  /** It takes its time to run a job again that has put itself back, which happens the more often the slower the machine is. */
  const LONGEST_MS = 150_000;
  const bed = sgeBed();

  testWith('gridengine', 'has directives that qsub reads as they are meant', async () => {
    const name = 'two  words at 5% é';
    const { out, script, folder } = await write('sge', [...SPEC, '--pack', '2', '--max-running', '1'], {
      name,
    });
    const lines = (await bed.run(folder, 'qsub', '-verify', script)).split('\n');
    expect(lines.map((line) => line.replace(/: +/, ': '))).toEqual(
      expect.arrayContaining([
        `cwd: ${out}`,
        'merge: y',
        'notify: TRUE',
        'job-array tasks: 1-3:1',
        `stdout_path_list: NONE:NONE:${out}/logs/sge-$JOB_ID.$TASK_ID.log`,
        'shell_list: NONE:/bin/bash',
        'parallel environment: smp range: 2',
      ]),
    );
    expect(lines.join('\n')).toMatch(/^job_name: +fanfold-double\.ts-[0-9a-f]{8}$/m);
  });

  /** Submits a script and the fold behind it; gives the job's number once the result is there. */
  const submit = async (script: string, out: string, waitMs = LONGEST_MS): Promise<string> => {
    const cwd = dirname(script);
    const job = (await bed.run(cwd, 'qsub', '-terse', script)).replace(/\..*/, '');
    await bed.run(cwd, 'qsub', '-hold_jid', job, join(out, 'fold.sh'));
    await until('the result', () => fs.existsSync(join(out, 'result.txt')), waitMs).catch(
      async (error: unknown) => {
        const logs = fs.readdirSync(join(out, 'logs')).map((name) => `${name}:\n${read(out, 'logs', name)}`);
        const queue = await bed.run(cwd, 'qstat', '-f', '-u', '*');
        await bed.run(cwd, 'qdel', '-u', '*');
        throw new Error([String(error), queue, ...logs].join('\n'));
      },
    );
    return job;
  };

  testWith(
    'gridengine',
    'computes the run, and the job behind it makes the result',
    async () => {
      const { out, script } = await write('sge', [...SPEC, '--pack', '2'], { name: 'two  words at 5% é' });
      const job = await submit(script, out);
      expect(read(out, 'result.txt')).toBe(await here(SPEC));
      expect(fs.readdirSync(join(out, 'logs'))).toEqual(
        expect.arrayContaining([1, 2, 3].map((index) => `sge-${job}.${String(index)}.log`)),
      );
    },
    LONGEST_MS + 30_000,
  );

  testWith(
    'gridengine',
    'goes on after a warning, and where no directive can carry the path',
    async () => {
      const warned = async (): Promise<void> => {
        const folder = temporaryFolder();
        const args = [writeWorker(folder, 'slow.mjs', SLOW), '--range', '0:32', '--tasks', '2'];
        const { out, script } = await write('sge', args, { folder, name: ODD });
        fs.writeFileSync(script, read(script).replace(/^##\$ -l h_rt.*$/m, '#$ -l s_rt=00:00:04'));
        const job = await submit(script, out, LONGEST_MS / 2);
        expect(read(out, 'result.txt')).toBe(await here(args));
        expect(read(out, 'logs', `sge-${job}.1.log`)).toMatch(/task 0: stopped[^]*task 0: complete/);
      };
      // On a busy machine Grid Engine may take minutes to run again what was put back; then all begins anew.
      await warned().catch((error: unknown) => {
        console.warn(error);
        return warned();
      });
    },
    LONGEST_MS + 60_000,
  );
});

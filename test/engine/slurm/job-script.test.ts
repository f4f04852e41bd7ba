import { describe, expect, test } from '@jest/globals';
import { execaSync } from 'execa';
import fc from 'fast-check';
import {
  foldOptions,
  foldScript,
  jobScript,
  type ScriptFacts,
} from '../../../src/engine/slurm/job-script.js';
import { testWith } from '../../tools.js';

const FACTS: ScriptFacts = {
  directory: '/data/runs/model-1a2b3c4d',
  node: '/opt/node/bin/node',
  command: '/opt/fanfold/dist/cli.cjs',
  name: 'fanfold-model.py-1a2b3c4d',
  tasks: 500,
  pack: 1,
  settings: { options: {} },
};
const ARRAYS = [{ first: 0, spec: '0-499%64', count: 500 }];

/** The options of a script's directives. */
function directives(script: string): string[] {
  return script
    .split('\n')
    .filter((line) => line.startsWith('#SBATCH '))
    .map((line) => line.slice('#SBATCH '.length));
}

describe('jobScript', () => {
  test('has all that an array job needs', () => {
    expect(directives(jobScript(FACTS, ARRAYS))).toEqual([
      '--job-name=fanfold-model.py-1a2b3c4d',
      '--array=0-499%64',
      '--requeue',
      '--cpus-per-task=1',
      '--signal=B:USR1@60',
      '--chdir=/data/runs/model-1a2b3c4d',
      '--output=/data/runs/model-1a2b3c4d/logs/slurm-%A_%a.log',
      '--open-mode=append',
    ]);
  });

  test('takes options of the user, and a processor for each task that is computed at once', () => {
    const settings = {
      options: {
        partition: 'main',
        time: '01:00:00',
        'cpus-per-task': '2',
        requeue: 'false',
        exclusive: 'true',
      },
    };
    const lines = directives(jobScript({ ...FACTS, pack: 4, settings }, ARRAYS));
    expect(lines).toEqual(
      expect.arrayContaining([
        '--partition=main',
        '--time=01:00:00',
        '--cpus-per-task=8',
        '--no-requeue',
        '--exclusive',
      ]),
    );
    expect(lines).not.toContain('--requeue');
  });

  test('quotes for the directives of sbatch what blanks or quotes are in', () => {
    const directory = `/data/my "runs" at 5% #1/it's`;
    expect(directives(jobScript({ ...FACTS, directory }, ARRAYS))).toEqual(
      expect.arrayContaining([
        `--chdir="/data/my \\"runs\\" at 5% #1/it's"`,
        `--output="/data/my \\"runs\\" at 5%% #1/it's/logs/slurm-%A_%a.log"`,
      ]),
    );
    // Neither can stand in such a line.
    for (const bad of ['/data/two\nlines', '/data/back\\slash']) {
      const script = jobScript({ ...FACTS, directory: bad }, ARRAYS);
      expect(directives(script)).toContain('--output=/dev/null');
      expect(script).toContain('exec >>logs/slurm-"$SLURM_ARRAY_JOB_ID"_"$SLURM_ARRAY_TASK_ID".log 2>&1\n');
    }
  });

  test('says how further arrays are submitted by hand', () => {
    const more = [...ARRAYS, { first: 1001, spec: '0-3', count: 4 }];
    expect(jobScript(FACTS, more)).toContain('#     sbatch --array=0-3 job.sh --first 1001\n');
  });

  testWith('bash', 'is a script, whatever stands in the paths, and starts nothing of them', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 }).filter((path) => !path.includes('\0'));
    fc.assert(
      fc.property(text, text, (directory, setup) => {
        const facts = { ...FACTS, directory: `/${directory}`, settings: { options: {}, setup: `/${setup}` } };
        for (const script of [jobScript(facts, ARRAYS), foldScript(facts)]) {
          const { stdout } = execaSync(
            'bash',
            ['-c', script.replace(/^exec .*/m, 'printf %s "$run"; exit'), 'job'],
            {
              env: { SLURM_ARRAY_TASK_ID: '0' },
              stripFinalNewline: false,
              reject: false,
              input: '',
            },
          );
          // The check of its files fails first, as it should; nothing of the text was a command.
          expect(stdout).toBe('');
        }
      }),
      {
        numRuns: 40,
        examples: [
          ['$(echo a)', '`echo b`'],
          ["';echo a;'", '";echo b;"'],
          ['\necho a\n', '\necho b\n'],
        ],
      },
    );
  });
});

describe('foldOptions', () => {
  test.each([
    [
      { partition: 'main', account: 'a', qos: 'q', gres: 'gpu:1' },
      { partition: 'main', account: 'a', qos: 'q' },
    ],
    [{ mem: '64G' }, { mem: '1024M' }],
    [{ 'mem-per-cpu': '500M' }, { mem: '500M' }],
    [{ mem: '0' }, { mem: '1024M' }],
    [{ mem: '800' }, { mem: '800' }],
  ])('keeps of %j what a small job needs', (options, kept) => {
    expect(foldOptions({ options: options })).toEqual(kept);
  });
});

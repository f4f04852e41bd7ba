import { describe, expect, test } from '@jest/globals';
import { execaSync } from 'execa';
import fc from 'fast-check';
import type { TemplateFacts } from '../../../src/engine/templates/facts.js';
import { TEMPLATES } from '../../../src/engine/templates/templates.js';
import { testWith } from '../../tools.js';

const FACTS: TemplateFacts = {
  directory: '/data/runs/model-1a2b3c4d',
  node: '/opt/node/bin/node',
  command: '/opt/fanfold/dist/cli.cjs',
  label: 'model.py',
  hash: '1a2b3c4d',
  tasks: 20,
  pack: 1,
  settings: { options: {} },
};
const SEVERAL: TemplateFacts = { ...FACTS, pack: 4, settings: { options: {}, maxRunning: 3 } };
const all = Object.entries(TEMPLATES);

/** What a scheduler reads of a script. */
function directives(script: string, prefix: string): string[] {
  return script
    .split('\n')
    .filter((line) => line.startsWith(prefix))
    .map((line) => line.slice(prefix.length).trim());
}

describe('the directives of a template', () => {
  test('for Slurm are those of the engine, and options of the user', () => {
    const settings = { options: { partition: 'main' }, maxRunning: 3 };
    const script = TEMPLATES.slurm.job({ ...SEVERAL, settings });
    expect(directives(script, '#SBATCH')).toEqual([
      '--job-name=fanfold-model.py-1a2b3c4d',
      '--array=0-4%3',
      '--requeue',
      '--cpus-per-task=4',
      '--signal=B:USR1@60',
      '--partition=main',
      '--chdir=/data/runs/model-1a2b3c4d',
      '--output=/data/runs/model-1a2b3c4d/logs/slurm-%A_%a.log',
      '--open-mode=append',
    ]);
    expect(directives(script, '##SBATCH')).toEqual(['--time=01:00:00', '--mem=2G', '--account=account']);
  });

  test('for Grid Engine', () => {
    const own = [
      '-wd /data/runs/model-1a2b3c4d',
      '-o /data/runs/model-1a2b3c4d/logs/sge-$JOB_ID.$TASK_ID.log',
      '-j y',
      '-V',
      '-r y',
      '-notify',
    ];
    expect(directives(TEMPLATES.sge.job(FACTS), '#$')).toEqual([
      '-S /bin/bash',
      '-N fanfold-model.py-1a2b3c4d',
      '-t 1-20',
      ...own,
    ]);
    expect(directives(TEMPLATES.sge.job(SEVERAL), '#$').slice(2)).toEqual([
      '-t 1-5',
      '-tc 3',
      ...own,
      '-pe smp 4',
    ]);
  });

  test('for PBS, with those of TORQUE beside them', () => {
    const script = TEMPLATES.pbs.job(SEVERAL);
    expect(directives(script, '#PBS')).toEqual([
      '-S /bin/bash',
      '-N fanfold-1a2b3c4',
      '-o /data/runs/model-1a2b3c4d/logs/',
      '-j oe',
      '-V',
      '-r y',
      '-J 0-4',
      '-l select=1:ncpus=4',
      '-W max_run_subjobs=3',
    ]);
    expect(directives(script, '##PBS').slice(0, 2)).toEqual(['-t 0-4%3', '-l nodes=1:ppn=4']);
  });

  test('for PBS make no array of one element, which it would refuse', () => {
    const script = TEMPLATES.pbs.job({ ...FACTS, tasks: 1 });
    expect(script).not.toMatch(/PBS -[Jt]/);
    expect(script).toContain('index=${PBS_ARRAY_INDEX:-${PBS_ARRAYID:-0}}');
  });

  test('for LSF', () => {
    expect(directives(TEMPLATES.lsf.job(SEVERAL), '#BSUB')).toEqual([
      '-J "fanfold-model.py-1a2b3c4d[1-5]%3"',
      '-o /data/runs/model-1a2b3c4d/logs/lsf-%J_%I.log',
      '-n 4',
      '-R "span[hosts=1]"',
      '-Q "75"',
      '-r',
    ]);
  });

  test('leave out a path that they cannot carry, and the script writes its log there by itself', () => {
    for (const [directory, unfit] of [
      ['/data/two words', ['lsf', 'pbs']],
      ['/data/50%é', ['lsf', 'pbs']],
      ['/data/#1', ['lsf', 'pbs', 'sge']],
      ["/data/it's", ['lsf', 'pbs', 'sge']],
      ['/data/"a"', ['lsf', 'pbs', 'sge']],
      ['/data/a,b:c', ['lsf', 'pbs', 'sge']],
      ['/data/$HOME', ['lsf', 'pbs', 'sge']],
      ['/data/back\\slash', ['lsf', 'pbs']],
      ['/data/two\nlines', ['lsf', 'pbs', 'sge']],
    ] as const) {
      const found = all.filter(([, { job }]) => {
        const script = job({ ...FACTS, directory });
        const isOwn = /^exec >>"\$run\/logs\/.*JOB/m.test(script);
        expect(isOwn).toBe(!/^#(?:\$|BSUB|PBS|SBATCH) -(?:-output=|o )/m.test(script));
        return isOwn;
      });
      expect([directory, found.map(([name]) => name).sort()]).toEqual([directory, unfit]);
    }
    expect(directives(TEMPLATES.sge.job({ ...FACTS, directory: '/data/two words' }), '#$')).toEqual(
      expect.arrayContaining(['-wd "/data/two words"', '-o "/data/two words/logs/sge-$JOB_ID.$TASK_ID.log"']),
    );
    const slurm = TEMPLATES.slurm.job({ ...FACTS, directory: '/data/back\\slash' });
    expect(slurm).toContain(
      "submitted from there (for the path can stand in no directive):\n#     cd '/data",
    );
  });

  test('have names that every scheduler takes', () => {
    const odd = { ...FACTS, label: "my model:*[1] 'é'" };
    expect(TEMPLATES.sge.job(odd)).toContain('#$ -N fanfold-my_model___1_____-1a2b3c4d\n');
    expect(TEMPLATES.lsf.job(odd)).toContain('#BSUB -J "fanfold-my_model___1_____-1a2b3c4d[1-20]"\n');
  });
});

describe('a template', () => {
  test.each(all)('for %s says how it is submitted, followed, folded and gone on with', (_, { job }) => {
    const script = job(FACTS);
    expect(script).toMatch(/^# {5}(sbatch|qsub|bsub <) sweep\.sh$/m);
    expect(script).toMatch(/afterany:'?JOB|-hold_jid JOB|ended\(JOB\)/);
    expect(script).toContain('/data/runs/model-1a2b3c4d/fold.sh');
    expect(script).toContain('#     fanfold fold /data/runs/model-1a2b3c4d\n');
    expect(script).toContain('#     fanfold status /data/runs/model-1a2b3c4d\n');
    expect(script).toContain('submit the same script again');
  });

  test('passes on how late files may show, and starts at other elements where there are many', () => {
    for (const [, { job }] of all)
      expect(job({ ...FACTS, latencyMs: 500 })).toMatch(/ --fs-latency 500ms .*"\$@"\n/);
    expect(TEMPLATES.slurm.job({ ...FACTS, tasks: 1500 })).toContain(
      '#     sbatch --array=0-498 sweep.sh --first 1001\n',
    );
  });

  test('has no line of a path that a scheduler could take for a directive', () => {
    const odd = { ...FACTS, directory: '/a\n#$ -q b\n#BSUB -q b\n#PBS -q b\n#SBATCH -p b' };
    for (const [, { job, fold }] of all)
      for (const script of [job(odd), fold(odd)])
        expect(script).not.toMatch(/^#(?:\$|BSUB|PBS|SBATCH) -[qp] b/m);
  });

  testWith('bash', 'is a script, whatever stands in the paths, and starts nothing of them', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 }).filter((path) => !path.includes('\0'));
    const env = { SLURM_ARRAY_TASK_ID: '0', PBS_ARRAY_INDEX: '0', SGE_TASK_ID: '1', LSB_JOBINDEX: '1' };
    fc.assert(
      fc.property(text, text, (directory, command) => {
        for (const [, { job, fold }] of all) {
          for (const script of [job, fold].map((make) =>
            make({ ...FACTS, directory: `/${directory}`, command: `/${command}` }),
          )) {
            const how = { env, reject: false, input: '' } as const;
            expect(execaSync('bash', ['-n', '-c', script], how).stderr).toBe('');
            const { stdout, exitCode } = execaSync('bash', ['-c', script, 'job'], how);
            // The check of its files fails first, as it should; nothing of the text was a command.
            expect([stdout, exitCode]).toEqual(['', 2]);
          }
        }
      }),
      {
        numRuns: 10,
        examples: [
          ['$(echo a)', '`echo b`'],
          ["';echo a;'", '";echo b;"'],
          ['\necho a\n', '\necho b\n'],
          ['\n#PBS -q a\n#$ -q b', '\r#BSUB -q c'],
        ],
      },
    );
  });
});

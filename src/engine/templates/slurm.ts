import { allElements } from '../../run/elements.js';
import { cutIntoArrays } from '../slurm/array-spec.js';
import { canStandInDirective, foldScript, jobScript, type ScriptFacts } from '../slurm/job-script.js';
import type { Template, TemplateFacts } from './facts.js';
import { foldFile, head, jobName, WISHES } from './script.js';

/** As Slurm has it where nobody has changed it: the largest index of an array is one less. */
const MAX_ARRAY_SIZE = 1001;

/** Scripts for Slurm, the same as `--engine slurm` submits. */
export const slurm: Template = {
  name: 'Slurm',
  most: { elements: MAX_ARRAY_SIZE, setting: 'MaxArraySize' },
  job,
  fold: (facts) => foldScript(scriptFacts(facts)),
};

// --- internal ---

/** What most people have to say, and what it looks like. */
const EXAMPLES = {
  time: '01:00:00',
  mem: '2G',
  partition: 'main',
  account: 'account',
} as const;

function job(facts: TemplateFacts): string {
  const { tasks, pack, settings, directory } = facts;
  const { options, maxRunning } = settings;
  const arrays = cutIntoArrays(allElements(tasks, pack), { maxArraySize: MAX_ARRAY_SIZE, maxRunning });
  const wishes = Object.entries(EXAMPLES).filter(([name]) => !Object.hasOwn(options, name));
  return jobScript(scriptFacts(facts), arrays, {
    head: head(facts, {
      scheduler: 'Slurm',
      submit: [
        'sbatch sweep.sh',
        ...arrays
          .slice(1)
          .map(({ first, spec }) => `sbatch --array=${spec} sweep.sh --first ${String(first)}`),
      ],
      fold: `sbatch --dependency=afterany:JOB ${foldFile(facts)}`,
      queue: 'squeue --me',
      again:
        'An element that is out of time puts itself back into the queue, unless it could not finish a single point.',
      fromThere: !canStandInDirective(directory),
    }),
    more: `${wishes.length === 0 ? '' : `${WISHES}\n`}${wishes.map(([name, value]) => `##SBATCH --${name}=${value}\n`).join('')}
# What the worker needs on a node, such as: module load python/3.11
`,
  });
}

function scriptFacts(facts: TemplateFacts): ScriptFacts {
  const { directory, node, command, tasks, pack, settings, latencyMs } = facts;
  return { directory, node, command, name: jobName(facts), tasks, pack, settings, latencyMs };
}

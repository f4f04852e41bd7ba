import { realpathSync } from 'node:fs';
import { cutIntoArrays } from '../engine/slurm/array-spec.js';
import { DEFAULT_MAX_ARRAY_SIZE, readMaxArraySize } from '../engine/slurm/commands.js';
import { jobName, jobScript } from '../engine/slurm/job-script.js';
import { FanfoldError } from '../errors.js';
import { count } from '../report/duration.js';
import { allElements, countElements } from '../run/elements.js';
import type { SlurmSettings } from '../run/slurm-settings.js';
import type { Plan } from '../sweep/plan.js';

const SHOWN = 3;

/** What would be submitted to Slurm, in lines for a person. */
export async function describeSubmission(plan: Plan, settings: SlurmSettings): Promise<string> {
  const { directory, tasks, request, spec, hash } = plan;
  const { pack = 1 } = request;
  const maxArraySize = await arraySize();
  const arrays = cutIntoArrays(allElements(tasks, pack), { maxArraySize, maxRunning: settings.maxRunning });
  const script = jobScript(
    {
      directory,
      node: process.execPath,
      command: realpathSync(process.argv[1] ?? ''),
      name: jobName(spec, hash),
      tasks,
      pack,
      settings,
    },
    arrays,
  );
  const most = settings.maxRunning;
  return [
    `slurm: ${count(countElements(tasks, pack), 'element')} of ${count(pack, 'task')}, ${most === undefined ? 'as many at once as Slurm starts' : `at most ${String(most)} at once`}`,
    ...arrays
      .slice(0, SHOWN)
      .map(
        ({ spec: indices, first }) => `  array ${indices}${first === 0 ? '' : ` --first ${String(first)}`}`,
      ),
    ...(arrays.length > SHOWN ? [`  … (${count(arrays.length, 'array')})`] : []),
    'job.sh asks for:',
    ...script
      .split('\n')
      .filter((line) => line.startsWith('#SBATCH '))
      .map((line) => `  ${line}`),
  ].join('\n');
}

// --- internal ---

async function arraySize(): Promise<number> {
  try {
    return await readMaxArraySize();
  } catch (error) {
    if (error instanceof FanfoldError) return DEFAULT_MAX_ARRAY_SIZE;
    throw error;
  }
}

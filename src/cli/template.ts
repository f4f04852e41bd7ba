import { realpathSync } from 'node:fs';
import { writeFileAtomic } from '../run/atomic-file.js';
import { countElements } from '../run/elements.js';
import { runPaths } from '../run/paths.js';
import { shortHash, workerLabel } from '../run/spec.js';
import { TEMPLATES } from '../engine/templates/templates.js';
import type { TemplateFacts } from '../engine/templates/facts.js';
import { shortPath } from '../report/command-line.js';
import { count } from '../report/duration.js';
import { pathForStdout } from '../report/printable.js';
import { planSweep } from '../sweep/plan.js';
import { prepareRun } from '../sweep/prepare-run.js';
import { readRequest, type RequestOptions } from './request.js';
import { tellPack } from './slurm-options.js';
import { refuseForTemplate, type Scheduler } from './template-refused.js';
import { tell } from '../report/tell.js';

interface TemplateCommandOptions extends RequestOptions {
  readonly force?: true | undefined;
  readonly allowChangedWorker?: true | undefined;
  readonly quiet?: true | undefined;
}

/** `fanfold template`: makes the run directory and prints a script that computes the run; gives the exit code. */
export async function template(
  scheduler: Scheduler,
  worker: string | undefined,
  options: TemplateCommandOptions,
): Promise<number> {
  refuseForTemplate(scheduler, options);
  const whole = planSweep(await readRequest(worker, { ...options, engine: 'slurm' }));
  if (options.quiet !== true) tellPack(options, whole);
  const { request, ...plan } = whole;
  const { most, name, job, fold } = TEMPLATES[scheduler];
  const paths = runPaths(plan.directory);
  const isQuiet = options.quiet === true;
  let facts: TemplateFacts | undefined;
  // The run is nobody's yet: who submits it, and how, is not fanfold's to know.
  await prepareRun(
    { ...plan, request: { ...request, slurm: undefined } },
    {
      isForced: options.force === true,
      allowChangedWorker: options.allowChangedWorker === true,
      fsLatencyMs: options.fsLatency,
      onNotice: tell,
      onPrepared: ({ tasks, pack = 1 }) => {
        facts = {
          directory: plan.directory,
          node: process.execPath,
          command: realpathSync(process.argv[1] ?? ''),
          label: workerLabel(plan.spec.worker),
          hash: shortHash(plan.hash),
          tasks,
          pack,
          settings: request.slurm ?? { options: {} },
          latencyMs: options.fsLatency,
        };
        writeFileAtomic(paths.foldScript, fold(facts), { isDurable: false });
      },
    },
  );
  if (facts === undefined) throw new Error('The run directory was not made.');
  process.stdout.write(pathForStdout(job(facts)));
  if (isQuiet) return 0;
  const elements = countElements(facts.tasks, facts.pack);
  tell(
    `fanfold: ${count(request.space.size, 'point')} in ${count(facts.tasks, 'task')}, ${count(elements, 'element')}, in ${shortPath(plan.directory)}; nothing is computed before the script is submitted.`,
  );
  if (elements > most.elements) {
    tell(
      `fanfold: ${name} has at most ${String(most.elements)} elements in an array unless its ${most.setting} was raised; with --pack ${String(Math.ceil(facts.tasks / most.elements))} there are few enough.`,
    );
  }
  return 0;
}

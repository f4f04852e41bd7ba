import { Argument, Option, type Command } from '@commander-js/extra-typings';
import { parseCount } from './arguments.js';
import { addLimits } from './limit-options.js';
import { collectSlurm } from './slurm-options.js';
import { addSweep } from './sweep-options.js';
import { REFUSED, SCHEDULERS } from './template-refused.js';

/** Adds the subcommand `template`, which has the options of a sweep but those that are about processes of this machine. */
export function addTemplate(
  program: Command,
  {
    command,
    refuseExcess,
  }: { command: string[] | undefined; refuseExcess: (args: readonly string[]) => void },
): void {
  const template = addSweep(
    program
      .command('template')
      .allowExcessArguments()
      .description(
        'print a script for a scheduler of your choice that computes a sweep, and make its run directory; starts nothing',
      )
      .usage(
        'slurm|pbs|sge|lsf [options] [worker]\n       fanfold template slurm|pbs|sge|lsf [options] -- COMMAND {PLACEHOLDER}...',
      )
      .addArgument(new Argument('<scheduler>', 'whose script it is').choices(SCHEDULERS)),
  )
    .option('--pack <n>', 'tasks of an element, computed at once on n processors', parseCount('--pack'))
    .option(
      '--max-running <n>',
      'the most elements of the array that run at once',
      parseCount('--max-running'),
    )
    .option('--slurm <name=value>', 'slurm: an option of sbatch; repeat for more', collectSlurm)
    .option('--slurm-setup <file>', 'slurm: a shell script that each element sources first (module load …)')
    .option('-f, --force', 'replace what the run directory holds')
    .option('--allow-changed-worker', 'keep what an earlier version of the worker computed')
    .option('-q, --quiet', 'say nothing but errors');
  const limited = addLimits(template);
  // They are known, so that they can be refused with a word on what to use instead.
  for (const { flags } of Object.values(REFUSED)) {
    const known = limited.options.find(({ flags: own }) => own === flags);
    if (known === undefined) limited.addOption(new Option(flags).hideHelp());
    else known.hideHelp();
  }
  limited.action(async (scheduler, worker, options, { args }) => {
    refuseExcess(args.slice(1));
    const { template: print } = await import('./template.js');
    process.exitCode = await print(scheduler, worker, { ...options, command });
  });
}

#!/usr/bin/env node
import { closeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { Command, CommanderError, Option } from '@commander-js/extra-typings';
import { FanfoldError, messageOf, remedyFor, systemCode, usage } from '../errors.js';
import { printable, shortened } from '../report/printable.js';
import { VERSION } from '../version.js';
import { StoppedError } from './signals.js';
import { parseCount, parseDuration, parseIndex, refusePlaceholders, splitCommand } from './arguments.js';
import { addLimits, fsLatency } from './limit-options.js';
import { addEngine } from './slurm-options.js';
import { addSweep } from './sweep-options.js';
import { addTemplate } from './template-options.js';

// The command: options are read here, and each subcommand's own module is only loaded when it is called.

const EXAMPLES = `
Examples:
  fanfold --range 0:17 --tasks 4                               the example worker double, 17 points in 4 tasks
  fanfold model.ts --param 'U=linspace(0,1,11)' --param J=1,2  a grid of 22 points, J fastest
  fanfold model.ts --points points.csv --set L=32 --jobs 8     points from a file, L the same for all
  fanfold model.ts --range 0:1:0.1 --dry-run                   what would be done
  fanfold --param T=1:5 -- ./ising {T} --seed {seed}           any command; what it prints is the result
  fanfold model.py:energy --param 'U=linspace(0,10,101)'       a Python function, called with keyword arguments
  fanfold resume runs/model-1a2b3c4d                           go on with a run that was stopped
  fanfold run runs/model-1a2b3c4d --point 4711                 one point of a run again, alone
`;

const EXIT_CODES = `
Exit codes:
  0              complete: the result is there
  1              points failed, or the run could not go on
  2              bad input; nothing was started
  75             stopped by --time-limit; resume, or retry again, goes on
  130, 143, 129  stopped by SIGINT, SIGTERM or SIGHUP; the same goes on
`;

const STOP_EXIT_CODES = `
Exit codes:
  0              the run has ended, or nobody was at work on it
  1              it did not end, or can't be asked to
  2              there is no run in that directory
  130, 143, 129  the wait was ended by SIGINT, SIGTERM or SIGHUP; the run was asked to end all the same
`;

const { own, command } = splitCommand(process.argv);

const program = new Command('fanfold')
  .description(
    'Runs a function over a grid of parameters in parallel processes, and folds their files into result.txt.',
  )
  .version(VERSION)
  .exitOverride()
  // Told by `report`, with what is known of the command.
  .configureOutput({
    writeErr: (text) => process.stderr.write(printable(text)),
    outputError: () => undefined,
  })
  .enablePositionalOptions()
  .addHelpText('after', `\nThe options of a sweep are shown by: fanfold run --help\n${EXAMPLES}`);

const sweep = addSweep(
  program
    .command('run', { isDefault: true })
    .allowExcessArguments()
    .description('run a sweep, or go on with it (the default command)')
    .usage('[options] [worker]\n       fanfold run [options] -- COMMAND {PLACEHOLDER}...'),
)
  .option('--jobs <n>', 'processes at once (default: the processors that may be used)', parseCount('--jobs'))
  .option('--serial', 'one process at a time')
  .option(
    '--threads <n>',
    'OMP_NUM_THREADS and its kin for each process (default: processors / jobs, unless they are set)',
    parseCount('--threads'),
  )
  .option('--fresh', 'a new process for every task')
  .option('--compare', 'run both serially and in parallel, and print the speed-up')
  .option(
    '--point <index>',
    'run this point of the run in the directory DIR again, alone: fanfold run DIR --point 4711',
    parseIndex('--point'),
  )
  .option('--detach', 'leave the run going without this terminal, once its input is checked')
  .option('-f, --force', 'replace what the run directory holds')
  .option('-n, --dry-run', 'show what would be done, and start nothing')
  .option('--allow-changed-worker', 'keep what an earlier version of the worker computed')
  .option('-q, --quiet', 'no progress and no summary')
  .addHelpText('after', EXAMPLES + EXIT_CODES);

addEngine(addLimits(sweep)).action(async (worker, options, { args }) => {
  refuseExcess(args);
  const { run } = await import('./run.js');
  process.exitCode = await run(worker, { ...options, command });
});

const CONTINUATIONS = [
  ['resume', 'go on with a run that was stopped', false],
  ['retry', 'compute the failed points of a run again, and what is missing', true],
] as const;

for (const [name, description, retryFailed] of CONTINUATIONS) {
  const continuation = program
    .command(name)
    .description(description)
    .argument('<dir>', 'the run directory')
    .option('--jobs <n>', 'processes at once', parseCount('--jobs'))
    .option('--python <path>', "a Python worker's interpreter (default: the one that the run was begun with)")
    .option('--threads <n>', 'OMP_NUM_THREADS and its kin for each process', parseCount('--threads'))
    .addOption(
      new Option('--start-method <method>', 'how Python processes come about').choices([
        'fork',
        'spawn',
      ] as const),
    )
    .option('--allow-changed-worker', 'keep what an earlier version of the worker computed')
    .option('--detach', 'leave the run going without this terminal')
    .option('-q, --quiet', 'no progress and no summary');
  addEngine(addLimits(continuation)).action(async (directory, options) => {
    const { resume } = await import('./resume.js');
    process.exitCode = await resume(directory, { ...options, retryFailed });
  });
}

program
  .command('status')
  .description('how a run stands')
  .argument('<dir>', 'the run directory')
  .option('--json', 'as JSON')
  .action(async (directory, options) => {
    const { status } = await import('./status.js');
    process.exitCode = await status(directory, options);
  });

program
  .command('attach')
  .description('show the progress of a run that goes on, wherever; it ends with the exit code of the run')
  .argument('<dir>', 'the run directory')
  .action(async (directory) => {
    const { attach } = await import('./attach.js');
    process.exitCode = await attach(directory);
  });

program
  .command('stop')
  .description('end a run cleanly, from anywhere that sees its directory')
  .argument('<dir>', 'the run directory')
  .option('--now', "don't wait for the points in hand")
  .addHelpText('after', STOP_EXIT_CODES)
  .action(async (directory, options) => {
    const { stop } = await import('./stop.js');
    process.exitCode = await stop(directory, options);
  });

program
  .command('element')
  .description(
    'compute some tasks of a run, beside others that compute other tasks of it: what the jobs of a batch job do',
  )
  .argument('<dir>', 'the run directory')
  .argument('<index>', 'the number of the element, from 0 on', parseIndex('the number of the element'))
  .option('--first <n>', 'what is added to the number of the element', parseIndex('--first'))
  .option('--jobs <n>', 'processes at once (default: as many as tasks)', parseCount('--jobs'))
  .option('--threads <n>', 'OMP_NUM_THREADS and its kin for each process', parseCount('--threads'))
  .option('--retry', 'compute failed points again')
  .option('--requeue', 'in an element of a Slurm array: put it back into the queue where its time is over')
  .option(
    '--time-limit <duration>',
    "stop cleanly after that time, with exit code 75 (default: before Slurm's own limit)",
    parseDuration('--time-limit'),
  )
  .addOption(fsLatency())
  .action(async (directory, index, options) => {
    const { element } = await import('./element.js');
    process.exitCode = await element(directory, index, options);
  });

addTemplate(program, { command, refuseExcess });

program
  .command('verify')
  .description('hold every file of a run against what was recorded of it; computes nothing')
  .argument('<dir>', 'the run directory')
  .option('--repair', 'put back what is damaged, from its copies or by computing just that again')
  .option('--json', 'as JSON')
  .addOption(fsLatency())
  .action(async (directory, options) => {
    const { verify } = await import('./verify.js');
    process.exitCode = await verify(directory, options);
  });

program
  .command('fold')
  .description('make the result of a complete run anew from its task files')
  .argument('<dir>', 'the run directory')
  .option('--header', 'begin it with the names of its columns')
  .option('--no-header', 'leave the names out')
  .option('--wait', 'wait for one who is at work on the run, and leave a result alone that is there then')
  .addOption(
    new Option('--on-error <act>', 'nan writes nan in the places of failed points').choices([
      'continue',
      'nan',
    ] as const),
  )
  .addOption(fsLatency())
  .action(async (directory, options) => {
    const { foldRun } = await import('./fold.js');
    process.exitCode = await foldRun(directory, options);
  });

// A closed terminal or a reader that has seen enough must not end a run.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

// At its end node sets terminals back as they were, and crashes where one is gone: what is closed it leaves alone.
const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
process.once('exit', () => {
  for (const descriptor of terminals) if (!isatty(descriptor)) closeSync(descriptor);
});

start().catch((error: unknown) => {
  process.exitCode = report(error);
});

// --- internal ---

async function start(): Promise<void> {
  refusePlaceholders(own);
  await program.parseAsync(own);
}

/** Most often a misspelt subcommand, or a value with blanks that the shell took apart. */
function refuseExcess([first = '', second]: readonly string[]): void {
  if (second === undefined) return;
  throw new FanfoldError(
    'FANFOLD_USAGE',
    `Expected one worker, got "${first}" and "${second}". Quote values that hold blanks or brackets; parameters are given by --param; the other commands are resume, retry, status, attach, stop, verify, fold, template and element.`,
  );
}

/** What is wrong with the arguments, in commander's words, and where to look. */
function wordsOf({ message }: CommanderError): string {
  const text = message
    .replace(/^error: ./, (start) => start.slice(-1).toUpperCase())
    .replaceAll('\n', ' ')
    .replace(/[^.]$/, '$&.');
  const named = program.commands.map((each) => each.name()).find((name) => name === own[2]);
  return `${text} The options are listed by: fanfold ${named ?? 'run'} --help`;
}

/** Of what is not there any more nothing can be said. */
function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESTALE'].includes(systemCode(error) ?? '');
}

/** Errors of the user's are shown without a stack, ours with one. */
function report(error: unknown): number {
  if (error instanceof CommanderError) {
    // The help or the version that was asked for is printed already.
    if (error.exitCode === 0 || error.code === 'commander.help') return error.exitCode === 0 ? 0 : 2;
    return report(usage(wordsOf(error)));
  }
  if (error instanceof FanfoldError || error instanceof StoppedError) {
    const code = error instanceof FanfoldError ? ` [${error.code}]` : '';
    process.stderr.write(`fanfold: ${printable(shortened(error.message))}${code}\n`);
    return error.exitCode;
  }
  if (/^E[A-Z0-9]+$/.test(systemCode(error) ?? '')) {
    const message = messageOf(error);
    process.stderr.write(
      `fanfold: The system refused to read or write a file: ${printable(shortened(message))}. ${isGone(error) ? '' : 'What was finished is kept. '}${remedyFor(message)}, then run the same command again. [FANFOLD_IO]\n`,
    );
    return 1;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`fanfold: an internal error, please report it:\n${printable(shortened(stack))}\n`);
  return 1;
}

// `npm run bench`: fanfold beside Python's multiprocessing and bare node processes, on this machine, in one go.
import { benchCommands } from './case-commands.mjs';
import { benchDouble } from './case-double.mjs';
import { benchPython } from './case-python.mjs';
import { benchPythonStart } from './case-python-start.mjs';
import { benchPool } from './case-pool.mjs';
import { benchSleep } from './case-sleep.mjs';
import { benchSlurm } from './case-slurm.mjs';
import { benchStart } from './case-start.mjs';
import { benchStream } from './case-stream.mjs';
import { makeFolder } from './folder.mjs';
import { describeMachine } from './machine.mjs';
import { HELP, readOptions } from './options.mjs';
import { formatReport } from './report.mjs';
import { checkRequirements } from './requirements.mjs';

const CASES = {
  a: benchDouble,
  b: benchSleep,
  c: benchStart,
  commands: benchCommands,
  stream: benchStream,
  pool: benchPool,
  python: benchPython,
  'python-start': benchPythonStart,
  slurm: benchSlurm,
};

// Leaving through process.exit() runs the 'exit' handlers, which end the running command and remove the folder.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

process.exitCode = await main(process.argv.slice(2));

// --- internal ---

async function main(argv) {
  const options = readOptions(argv);
  if (options.isHelp) return show(HELP);
  const { python, missing, leftOut } = checkRequirements(options.only ?? []);
  const faults = options.fault === undefined ? missing : [options.fault];
  if (python === undefined || faults.length > 0) return refuse(faults);
  const machine = describeMachine(python);
  const only = options.only.filter((key) => !leftOut.includes(key));
  const cases = await runCases({ ...options, only, python });
  const report = { machine, points: options.points, runs: options.runs, cases, leftOut };
  show(options.isJson ? JSON.stringify(report, undefined, 2) : formatReport(report));
  return cases.every(({ checks }) => checks.every(({ isMet }) => isMet)) ? 0 : 1;
}

async function runCases({ only, ...settings }) {
  const folder = makeFolder();
  const results = [];
  for (const key of only) {
    const say = (text) => process.stderr.write(`(${key}) ${text}\n`);
    results.push({ key, ...(await CASES[key]({ ...settings, folder, say })) });
  }
  return results;
}

function show(text) {
  process.stdout.write(`${text}\n`);
  return 0;
}

function refuse(faults) {
  process.stderr.write(`${faults.map((fault) => `bench: ${fault}`).join('\n')}\n`);
  return 2;
}

// `npm run scale`: what a run of very many tasks on Slurm costs its coordinator, the scheduler and the file system, on a
// cluster that is not there: its commands and the files of its elements are made by fake-slurm.sh and cluster.mjs.
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ROOT } from './project.mjs';

const HELP = `npm run scale -- [options]

  --tasks N        tasks of one point each (default 100000)
  --pack N         tasks of an element (default 10)
  --max-running N  elements that run at once (default 500)
  --seconds N      in which the elements end (default 120)
  --strace         count the system calls on files of each command too, by strace, which slows it down
  --keep           leave the folder, and say where it is
  --help           this text`;

const COMMANDS = ['sbatch', 'squeue', 'scontrol', 'scancel', 'sacct'];
const CLI = join(ROOT, 'dist', 'cli.cjs');
/** Elements that are left by the cluster and computed for real, at the end: into a full directory. */
const REAL = 2;

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '100000' },
    pack: { type: 'string', default: '10' },
    'max-running': { type: 'string', default: '500' },
    seconds: { type: 'string', default: '120' },
    strace: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(`${HELP}\n`);
else await main();

// --- internal ---

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-scale-'));
  const processes = new Set();
  process.once('exit', () => {
    for (const child of processes) child.kill('SIGKILL');
    if (values.keep) say(`left: ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  });
  const [tasks, pack, maxRunning, seconds] = ['tasks', 'pack', 'max-running', 'seconds'].map((name) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1)
      throw new Error(`Expected --${name} 1 or more, got ${values[name]}.`);
    return value;
  });
  const elements = Math.ceil(tasks / pack);
  if (elements <= REAL)
    throw new Error(`Expected more than ${String(REAL)} elements, got ${String(elements)}.`);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of COMMANDS) symlinkSync(join(import.meta.dirname, 'fake-slurm.sh'), join(bin, name));
  const bench = { folder, bin, processes, directory: join(folder, 'run'), pids: new Map() };

  say(`${String(tasks)} tasks in ${String(elements)} elements, which end within ${String(seconds)} s`);
  const facts = { folder, directory: bench.directory, tasks, pack, maxRunning, seconds, left: REAL };
  start(bench, [join(import.meta.dirname, 'cluster.mjs'), JSON.stringify(facts)]);
  const cut = ['--range', `0:${String(tasks)}`, '--tasks', String(tasks), '--pack', String(pack)];
  const how = ['--engine', 'slurm', '--max-running', String(maxRunning), '--out', bench.directory];
  const coordinator = measure(bench, 'run', ['run', ...cut, ...how, '--result', 'exit', '--', 'true']);
  await there(join(folder, 'submitted'));
  const first = await measure(bench, 'element, in an empty directory', [
    'element',
    bench.directory,
    String(elements - 1),
  ]);
  await setTimeout(500 * seconds);
  const half = await measure(bench, 'status, at half', ['status', bench.directory]);
  const attached = measure(bench, 'attach, from half on', ['attach', bench.directory]);
  await there(join(folder, 'faked'));
  const last = await measure(bench, 'element, in a full directory', [
    'element',
    bench.directory,
    String(elements - REAL),
  ]);
  const waited = processorSeconds(bench.pids.get('run'));
  // Slurm forgets them.
  writeFileSync(join(folder, 'queue'), '');
  const rows = [{ ...(await coordinator), waited }, half, await attached, first, last];
  for (const command of ['status', 'resume', 'verify'])
    rows.push(await measure(bench, command, [command, bench.directory]));
  rows.push(
    await measure(bench, 'fold --wait, of a result that is there', ['fold', bench.directory, '--wait']),
  );
  rmSync(join(bench.directory, 'result.txt'));
  rows.push(
    await measure(bench, 'fold --wait, of a result that is to be made', ['fold', bench.directory, '--wait']),
  );
  report(rows, bench);
}

/** Runs a command of fanfold's to its end, and tells what it used. */
async function measure(bench, name, args) {
  const { folder } = bench;
  const meter = join(folder, `${name.replaceAll(/\W+/g, '-')}.meter`);
  const trace = `${meter}.strace`;
  const before = callsOf(bench);
  const startMs = performance.now();
  const node = [process.execPath, CLI, ...args];
  const tracing = values.strace ? ['strace', '-f', '-c', '-o', trace, '-e', 'trace=%file,%desc'] : [];
  const [program, ...rest] = [...tracing, ...node];
  const child = start(bench, rest, { program, meter });
  bench.pids.set(name, child.pid);
  const { code, output } = await ended(child);
  if (code !== 0) throw new Error(`${name} ended with ${String(code)}:\n${output}`);
  const used = JSON.parse(readFileSync(meter, 'utf8').trim().split('\n')[0]);
  say(`${name}: ${used.seconds.toFixed(1)} s`);
  return {
    name,
    ...used,
    wall: (performance.now() - startMs) / 1000,
    calls: callsOf(bench) - before,
    ...(values.strace ? { files: filesOf(trace) } : {}),
  };
}

/** What a process has used until now; undefined where it has ended, or strace stands for it. */
function processorSeconds(pid) {
  const path = `/proc/${String(pid)}/stat`;
  if (values.strace || !existsSync(path)) return undefined;
  const fields = readFileSync(path, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function start({ bin, folder, processes }, args, { program = process.execPath, meter } = {}) {
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, FANFOLD_SCALE: folder };
  if (meter !== undefined) {
    env.FANFOLD_SCALE_METER = meter;
    env.NODE_OPTIONS = `--require=${join(import.meta.dirname, 'meter.cjs')}`;
  }
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  processes.add(child);
  child.once('exit', () => processes.delete(child));
  child.stderr.on(
    'data',
    (data) => program === process.execPath && meter === undefined && process.stderr.write(data),
  );
  return child;
}

function ended(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}

async function there(path) {
  while (!existsSync(path)) await setTimeout(100);
}

function callsOf({ folder }) {
  const path = join(folder, 'calls');
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
}

/** The calls that strace has counted, the most frequent ones by name. */
function filesOf(trace) {
  const rows = readFileSync(trace, 'utf8')
    .split('\n')
    .map((line) => /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(?<calls>\d+)(?:\s+\d+)?\s+(?<name>\w+)$/.exec(line)?.groups)
    .filter((row) => row !== undefined && row.name !== 'total')
    .map(({ calls, name }) => ({ calls: Number(calls), name }));
  return {
    all: rows.reduce((sum, { calls }) => sum + calls, 0),
    rows: rows.sort((a, b) => b.calls - a.calls),
  };
}

function report(rows, { directory, folder }) {
  const shown = rows.map(({ name, wall, userMs, systemMs, peakMb, calls, files }) => [
    name,
    `${wall.toFixed(1)} s`,
    `${((userMs + systemMs) / 1000).toFixed(2)} s`,
    `${peakMb.toFixed(0)} MB`,
    String(calls),
    ...(files === undefined
      ? []
      : [
          String(files.all),
          files.rows
            .slice(0, 6)
            .map((row) => `${row.name} ${String(row.calls)}`)
            .join(', '),
        ]),
  ]);
  const head = [
    'command',
    'time',
    'processor',
    'peak',
    "scheduler's calls meanwhile",
    ...(values.strace ? ['calls on files', 'most of them'] : []),
  ];
  const widths = head.map((_, column) => Math.max(...[head, ...shown].map((row) => row[column].length)));
  const line = (row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd();
  const names = readFileSync(join(folder, 'calls'), 'utf8')
    .trim()
    .split('\n')
    .map((each) => each.split(' ')[0]);
  const calls = COMMANDS.map((name) => `${name} ${String(names.filter((each) => each === name).length)}`);
  const count = (...place) => String(readdirSync(join(directory, ...place)).length);
  const text = [
    ...[head, ...shown].map(line),
    ...(rows[0].waited === undefined
      ? []
      : [`\nof the processor time of run, ${rows[0].waited.toFixed(2)} s until the last elements ended`]),
    `\ncalls of the scheduler, all commands: ${calls.join(', ')}`,
    `files: ${count()} in the run directory, ${count('elements')} in elements/, ${count('logs')} in logs/; sweep.json ${(statSync(join(directory, 'sweep.json')).size / 1e6).toFixed(1)} MB`,
  ];
  process.stdout.write(`${text.join('\n')}\n`);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

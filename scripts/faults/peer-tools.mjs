import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PEERS = join(import.meta.dirname, 'peers');
const CLI = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
/** Debian's own, which has its packages; `python3` may be a version manager's. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';

/**
 * The programs that are compared. `command` gives the shell line for a folder and the points [first, stop), the same when
 * it goes on; `kept` the files in which it has what is done, whose ends a crash may tear; `results` the lines x value.
 */
export const TOOLS = {
  fanfold: {
    title: 'fanfold, Python function',
    shown: 'fanfold point.py:compute --range 0:20 --jobs 2 --out run',
    version: () => `fanfold ${versionOf(process.execPath, [CLI, '--version'])}`,
    command: (folder, [first, stop]) =>
      `${process.execPath} ${CLI} ${PEERS}/point.py:compute --range ${first}:${stop} --jobs 2 --out ${folder}/run -q`,
    kept: (folder) => under(join(folder, 'run'), /\.part$/),
    results: (folder) => linesOf(join(folder, 'run', 'result.txt')),
  },
  parallel: {
    title: 'GNU parallel',
    shown: 'parallel -j2 --joblog log --resume ./point.sh {} ::: $(seq 0 19) >> out',
    version: () => versionOf('parallel', ['--version']),
    command: (folder, range) => parallel(folder, range, '--resume'),
    mend: {
      name: 'with --resume-failed',
      command: (folder, range) => parallel(folder, range, '--resume-failed'),
    },
    kept: (folder) => under(folder, /^(?:log|out)$/),
    results: (folder) => linesOf(join(folder, 'out')),
  },
  pool: {
    title: 'multiprocessing.Pool',
    shown: 'python3 pool.py out 0 20',
    version: () => versionOf(PYTHON, ['--version']),
    command: (folder, range) => `${PYTHON} ${PEERS}/pool.py ${folder}/out ${range.join(' ')}`,
    kept: () => [],
    results: (folder) => linesOf(join(folder, 'out')),
  },
  joblib: {
    title: 'joblib with Memory',
    shown: 'python3 joblib_memory.py out 0 20 cache',
    version: () => `joblib ${versionOf(PYTHON, ['-c', 'import joblib; print(joblib.__version__)'])}`,
    command: (folder, range) =>
      `${PYTHON} ${PEERS}/joblib_memory.py ${folder}/out ${range.join(' ')} ${folder}/cache`,
    kept: (folder) => under(join(folder, 'cache'), /output\.pkl$/).slice(0, 1),
    results: (folder) => linesOf(join(folder, 'out')),
  },
};

// --- internal ---

function versionOf(program, args) {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} is missing`);
  return stdout.split('\n')[0].trim();
}

function linesOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

function under(folder, pattern) {
  const names = readdirSync(folder, { recursive: true });
  return names
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => join(folder, name));
}

function parallel(folder, [first, stop], how) {
  const inputs = `$(seq ${String(first)} ${String(stop - 1)})`;
  return `parallel -j2 --joblog ${folder}/log ${how} ${PEERS}/point.sh {} ::: ${inputs} >> ${folder}/out`;
}

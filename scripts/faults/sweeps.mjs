import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Each takes about a second of computing, shared by two processes.
const FAST = { points: 2000, paceMs: 0.5 };
const SLOW = { points: 70, paceMs: 20 };

/** The kinds of sweeps that faults meet. `isFlaky`: points fail until they are mended. */
export const SWEEPS = [
  { name: 'JavaScript, fast points', ...FAST, worker: 'model.mjs:fast' },
  { name: 'JavaScript, slow points', ...SLOW, worker: 'model.mjs:slow' },
  { name: 'JavaScript, points file', ...SLOW, worker: 'model.mjs:slow', hasPointsFile: true },
  { name: 'JavaScript, failing points', ...SLOW, worker: 'model.mjs:flaky', isFlaky: true },
  { name: 'Python, fork, fast points', ...FAST, worker: 'model.py:fast', method: 'fork' },
  { name: 'Python, fork, slow points', ...SLOW, worker: 'model.py:slow', method: 'fork' },
  { name: 'Python, spawn, slow points', ...SLOW, worker: 'model.py:slow', method: 'spawn' },
  { name: 'Python, failing points', ...SLOW, worker: 'model.py:flaky', method: 'fork', isFlaky: true },
  { name: 'command, fast points', points: 200, paceMs: 0, command: ['command.sh', '{x}', '{seed}'] },
  { name: 'command, slow points', ...SLOW, command: ['command.sh', '{x}', '{seed}'] },
  { name: 'command for a shell', ...SLOW, shell: 'command.sh {x} {seed} | cat' },
  { name: 'stream, fast points', points: 4000, paceMs: 0, command: ['stream.sh'], isStream: true },
  { name: 'stream, slow points', ...SLOW, command: ['stream.sh'], isStream: true },
];

export const FORMATS = ['txt', 'csv', 'jsonl'];

/** Copies the models into a folder, with a points file, so that nothing is written beside the sources. */
export function prepareModels(folder) {
  cpSync(join(import.meta.dirname, 'models'), folder, { recursive: true });
  const points = Array.from({ length: SLOW.points }, (_, x) => `${String(x)}\n`);
  writeFileSync(join(folder, 'points.csv'), `x\n${points.join('')}`);
}

/**
 * The arguments of `fanfold run` for a sweep.
 * @param how `models`, the folder of the models; `out`, `format`, `tasks` (none: fanfold's choice) and `jobs`
 */
export function runArguments(sweep, { models, out, format, tasks, jobs }) {
  const place = (name) => join(models, name);
  const axis = sweep.hasPointsFile
    ? ['--points', place('points.csv')]
    : ['--range', `0:${String(sweep.points)}`];
  const options = ['--out', out, '--format', format, '--jobs', String(jobs)];
  if (tasks !== undefined) options.push('--tasks', String(tasks));
  if (sweep.method !== undefined) options.push('--start-method', sweep.method);
  if (sweep.isStream) options.push('--stream');
  if (sweep.worker !== undefined) return ['run', place(sweep.worker), ...axis, ...options];
  const columns = sweep.isStream ? [] : ['--columns', 'y,seed,word'];
  const [program, ...words] = sweep.command ?? [];
  const command = sweep.shell === undefined ? [place(program), ...words] : [`${place(sweep.shell)}`];
  const shell = sweep.shell === undefined ? [] : ['--shell'];
  return ['run', ...axis, ...options, ...columns, ...shell, '--', ...command];
}

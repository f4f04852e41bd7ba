import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';
import { constants } from 'node:os';
import { redirectOutput } from '../host/task-log.js';
import { commandFor, shortPath } from '../report/command-line.js';
import { runPaths } from '../run/paths.js';
import { STOP_SIGNALS } from './signals.js';
import { tell } from '../report/tell.js';

// `--detach`: the same command once more in a session of its own. What it checks before the run begins it tells here, and
// when the run directory is its own it says so, and turns to its log.

const MARK = 'FANFOLD_DETACHED';

/** True in the process that goes on without a terminal. */
export function isLeftBehind(): boolean {
  return process.env[MARK] !== undefined && process.send !== undefined;
}

/**
 * Starts this command in a session of its own, and waits until its run has begun, or it has ended.
 * @returns the exit code: 0 for a run that has begun
 */
export async function leaveBehind(directory: string): Promise<number> {
  const command = [
    ...process.execArgv,
    fileURLToPath(new URL('cli.cjs', import.meta.url)),
    ...process.argv.slice(2),
  ];
  const child = spawn(process.execPath, command, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, [MARK]: '1' },
  });
  child.stdout?.pipe(process.stdout, { end: false });
  child.stderr?.pipe(process.stderr, { end: false });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of STOP_SIGNALS) process.on(signal, pass);
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const end = await Promise.race([once(child, 'message').then(() => undefined), ended]);
  for (const signal of STOP_SIGNALS) process.off(signal, pass);
  if (end !== undefined) return end[0] ?? 128 + constants.signals[end[1] ?? 'SIGKILL'];
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
  tell(
    `Process ${String(child.pid)} goes on without this terminal, in ${shortPath(directory)}.\nIts progress: ${commandFor('attach', directory)}\nTo end it: ${commandFor('stop', directory)}`,
  );
  process.stdout.write(`${shortPath(directory)}\n`);
  return 0;
}

/** Lets go of the terminal: what is said from now on goes into the run's own log. */
export function letGo(directory: string): void {
  redirectOutput().use(runPaths(directory).coordinatorLog);
  // Redirected when they are next asked for.
  process.stdout.write('');
  process.stderr.write('');
  process.send?.('begun', undefined, undefined, () => {
    // Who started it may be gone.
    if (process.connected) process.disconnect();
  });
}

/** Hides from the processes of the run how this one was started. */
export function forgetMark(): void {
  Reflect.deleteProperty(process.env, MARK);
}

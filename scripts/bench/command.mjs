import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { watchMemory } from './memory.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `fanfold run`, without its arguments. */
export const FANFOLD = [process.execPath, join(ROOT, 'dist', 'cli.cjs'), 'run'];

/** A Python program beside this file, with its arguments. */
export function pythonCommand(python, name, ...args) {
  return [python.program, join(import.meta.dirname, name), ...args.map(String)];
}

/**
 * Runs a command to its end in the project's folder.
 * @returns its wall time from before it was started to its exit, and what memory its processes took if that is watched
 * @throws Error with what it wrote to stderr, where it failed
 */
export async function runCommand([file, ...args], { isMemoryWatched = false } = {}) {
  const startMs = performance.now();
  // In a group of its own, so that all of it can be ended at once.
  const child = spawn(file, args, { cwd: ROOT, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  const end = () => endGroup(child.pid);
  const ended = waitForEnd(child);
  const memory = isMemoryWatched && child.pid !== undefined ? watchMemory(child.pid) : undefined;
  if (child.pid !== undefined) process.once('exit', end);
  try {
    const { endMs, status, stderr } = await ended;
    if (status !== 0) throw new Error(`${[file, ...args].join(' ')} ended with ${status}:\n${stderr}`);
    return { seconds: (endMs - startMs) / 1000, processes: memory?.stop() };
  } finally {
    memory?.stop();
    process.off('exit', end);
  }
}

// --- internal ---

function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch (error) {
    // It has just ended by itself.
    if (error.code !== 'ESRCH') throw error;
  }
}

function waitForEnd(child) {
  return new Promise((resolve, reject) => {
    let stderr = '';
    let endMs = NaN;
    child.stderr.on('data', (data) => (stderr += String(data)));
    child.once('error', reject);
    child.once('exit', () => (endMs = performance.now()));
    child.once('close', (code, signal) => resolve({ endMs, status: code ?? signal, stderr }));
  });
}

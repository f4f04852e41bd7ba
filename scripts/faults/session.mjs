import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { killAll, markerOf, processesOf } from './processes.mjs';

const CLI = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
/** The longest that any step may take; a hang is a failure. A lock that seems to be another machine's is watched for 60 s. */
const LIMIT_MS = 100_000;
/** After its end, however it came about, no process of a session may live longer. */
const ORPHAN_MS = 2000;

/** A promise that was not kept. */
export class Loss extends Error {
  name = 'Loss';
}

/**
 * Starts `fanfold` with its output in files.
 * @param place `id` marks its processes; `log`, the beginning of the names of its output's files; `env` and `cwd`
 */
export function startSession(args, { id, log, env, cwd }) {
  const files = ['out', 'err'].map((name) => openSync(`${log}.${name}`, 'w'));
  // In a process group of its own, as a terminal has it.
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    detached: true,
    stdio: ['ignore', ...files],
    env: { ...process.env, CI: 'true', ...env, ...markerOf(id) },
  });
  for (const file of files) closeSync(file);
  const session = { id, args, pid: child.pid, end: undefined };
  session.ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      session.end = { code, signal, stderr: readFileSync(`${log}.err`, 'utf8'), args };
      resolve(session.end);
    });
  });
  return session;
}

/** Runs `fanfold` to its end; see `startSession`. */
export async function runSession(args, place) {
  return endOf(startSession(args, place));
}

/** Waits for a session's end and that of all its processes. */
export async function endOf(session) {
  await until(`the end of fanfold ${session.args.join(' ')}`, () => session.end !== undefined, {
    onLate: () => killAll(session.id),
  });
  await allGone(session.id);
  return session.end;
}

/** Waits until no process is left. */
export async function allGone(id) {
  const left = () => processesOf(id);
  await until(
    () =>
      `the end of ${left()
        .map(({ pid, role, words }) => `${role} ${pid} (${words.slice(0, 80)})`)
        .join(', ')}`,
    () => left().length === 0,
    { limitMs: ORPHAN_MS, everyMs: 20, onLate: () => killAll(id) },
  );
}

/**
 * Waits until something holds.
 * @throws Loss where it never does
 */
export async function until(what, holds, { limitMs = LIMIT_MS, everyMs = 5, onLate = () => undefined } = {}) {
  const deadline = Date.now() + limitMs;
  while (!holds()) {
    if (Date.now() > deadline) {
      const missed = typeof what === 'function' ? what() : what;
      onLate();
      throw new Loss(`waited ${String(limitMs)} ms in vain for ${missed}`);
    }
    await sleep(everyMs);
  }
}

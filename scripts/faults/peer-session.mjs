import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { countMarks, readMarks } from './points.mjs';
import { killAll, markerOf, processesOf } from './processes.mjs';

/** The points that every program computes: [first, stop). */
const RANGE = [0, 20];
/** A program that has not ended by then is taken to hang. */
const LIMIT_MS = 15_000;

/** Starts a program in a shell that becomes it; `how` says with which environment, points and command. */
export function start(peer, { env = {}, range = RANGE, command = peer.tool.command } = {}) {
  const log = openSync(`${peer.folder}.log`, 'a');
  const child = spawn('/bin/sh', ['-c', `exec ${command(peer.folder, range)}`], {
    cwd: tmpdir(),
    detached: true,
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      CI: 'true',
      PYTHONDONTWRITEBYTECODE: '1',
      PEERS_MARKS: peer.marks,
      ...env,
      ...markerOf(peer.id),
    },
  });
  const session = { pid: child.pid, end: undefined, startedMs: Date.now() };
  child.once('exit', (code, name) => (session.end = { code, name, ms: Date.now() - session.startedMs }));
  session.peer = peer;
  return session;
}

/** Waits for the end; in words. */
export async function end(session) {
  while (session.end === undefined && Date.now() - session.startedMs < LIMIT_MS) await sleep(20);
  const { end: ended } = session;
  if (ended === undefined) {
    killAll(session.peer.id);
    return `hangs (ended by us after ${String(LIMIT_MS / 1000)} s)`;
  }
  return ended.name === null ? `exit code ${String(ended.code)}` : `ends by ${ended.name}`;
}

/** Waits until so many points are computed. */
export async function marks(peer, session, wanted) {
  while (countMarks(peer.marks) < wanted && session.end === undefined) await sleep(10);
}

/** How long processes live on after their coordinator. */
export async function orphans(peer) {
  const startedMs = Date.now();
  await sleep(200);
  let most = 0;
  while (Date.now() - startedMs < 10_000) {
    const left = processesOf(peer.id).length;
    if (left === 0) {
      const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
      return most === 0 ? 'no process is left' : `${String(most)} processes live on, for ${seconds} s`;
    }
    most = Math.max(most, left);
    await sleep(50);
  }
  const left = processesOf(peer.id).length;
  killAll(peer.id);
  return `${String(left)} processes still live after 10 s`;
}

/** Goes on by the same command; what comes out, and what is computed once more. */
export async function again(peer, options = {}) {
  const before = new Set(readMarks(peer.marks));
  const offset = countMarks(peer.marks);
  const how = await end(start(peer, options));
  const repeated = readMarks(peer.marks)
    .slice(offset)
    .filter((x) => before.has(x)).length;
  return `${outcome(peer, 'again', options.range)} (${how}), ${String(repeated)} repeated`;
}

/** The results that are there, against those that should be. */
export function outcome(peer, when, [first, stop] = RANGE) {
  const found = peer.tool.results(peer.folder).map((line) => line.trim().split(/\s+/).map(Number));
  const right = new Set(found.filter(([x, y]) => x >= first && x < stop && y === x * 1.5).map(([x]) => x))
    .size;
  const excess = found.length - right;
  const text = `${String(right)} of ${String(stop - first)} results`;
  return `${when} ${text}${excess === 0 ? '' : `, ${String(excess)} other lines`}`.trim();
}

/** How many points were computed more than once. */
export function twice(peer) {
  const all = readMarks(peer.marks);
  return `${String(all.length - new Set(all).size)} computed twice`;
}

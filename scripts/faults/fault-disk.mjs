import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endSession, start } from './run.mjs';
import { endOf, Loss } from './session.mjs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readEnd } from './remedy.mjs';

const SIZE = 'size=4m,nr_inodes=600';
/** How long a session has to notice that something is wrong; one that needed nothing meanwhile goes on. */
const NOTICE_MS = 1500;
const CLEAR = ['FANFOLD_IO', 'FANFOLD_OUT', 'FANFOLD_HOST', 'FANFOLD_INCOMPLETE', 'FANFOLD_LOCKED'];

/** What `resume` says where there is nothing any more. */
const GONE = [...CLEAR, 'FANFOLD_MANIFEST'];

/** Faults of the disk; `needsDisk`: the run is on a small one of its own. */
export const DISK_FAULTS = [
  fault('full disk', { needsDisk: true, state: 'running' }, (run) => whileFilled(run, fillBytes)),
  fault('full disk from the beginning', { needsDisk: true, state: 'new' }, (run) =>
    whileFilled(run, fillBytes),
  ),
  fault('no inodes left', { needsDisk: true, state: 'running' }, (run) => whileFilled(run, fillInodes)),
  fault('read-only disk', { needsDisk: true, state: 'partial' }, whileReadOnly),
  fault('run directory moved away and back', { state: 'running' }, whileAway),
  fault('run directory removed', { state: 'running', mayLose: true, mayFail: GONE }, removed),
];

/** Mounts a small disk; only in a mount namespace of our own, which takes it with it. */
export function mountDisk(folder) {
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', SIZE, 'fanfold-faults', folder]);
  return folder;
}

/** Takes a disk away; nothing of it is in use any more. */
export function unmountDisk(folder) {
  execFileSync('umount', ['-l', folder]);
}

// --- internal ---

function fault(name, how, act) {
  return { name, mayFail: CLEAR, act, ...how };
}

/** Fills the disk but for a few bytes, waits for what a session makes of it, and makes room again. */
async function whileFilled(run, fill) {
  const filler = join(run.disk, 'filler');
  fill(filler, run.random);
  run.session ??= start(run);
  await notice(run);
  rmSync(filler, { recursive: true });
  return true;
}

function fillBytes(filler, random) {
  // dd ends with an error at the end of the room, which is what it is for.
  spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'], { stdio: 'ignore' });
  const pages = random.below(4);
  if (pages > 0) spawnSync('truncate', ['-s', `-${String(4 * pages)}K`, filler]);
}

function fillInodes(filler, random) {
  mkdirSync(filler);
  const spare = random.below(5);
  let count = 0;
  try {
    for (;;) writeFileSync(join(filler, String(count++)), '');
  } catch (error) {
    if (error.code !== 'ENOSPC') throw error;
  }
  for (let left = Math.min(spare, count - 1); left > 0; left--) rmSync(join(filler, String(left)));
}

/** Waits until a session ends with a clear error, or shows that it needn't. */
async function notice(run) {
  const { session } = run;
  await Promise.race([session.ended, sleep(NOTICE_MS)]);
  if (session.end !== undefined) await endSession(run);
}

/** The same, of one whose directory is gone. */
async function noticeGone(run) {
  const { session } = run;
  await Promise.race([session.ended, sleep(NOTICE_MS)]);
  if (session.end === undefined || existsSync(run.out)) return notice(run);
  // It may have ended before that, complete or with failed points, of which nothing is left.
  readEnd(run, await endOf(session));
  run.session = undefined;
}

async function whileReadOnly(run) {
  const remount = (mode) => execFileSync('mount', ['-o', `remount,${mode}`, run.disk]);
  remount('ro');
  try {
    const end = readEnd(run, await endOf(start(run)));
    if (end.isComplete) throw new Loss('a run was completed on a read-only disk');
  } finally {
    remount('rw');
  }
  return true;
}

async function whileAway(run) {
  const away = `${run.out}.away`;
  // One who comes to an empty place begins a new run there, as it should.
  if (!hasOpened(run)) return false;
  renameSync(run.out, away);
  await noticeGone(run);
  if (existsSync(run.out)) {
    // What was written there meanwhile belongs to the run as well.
    cpSync(run.out, away, { recursive: true, force: false });
    rmSync(run.out, { recursive: true });
  }
  renameSync(away, run.out);
  return true;
}

/** True once the session that goes on is at work in the run directory. */
function hasOpened({ out, session }) {
  const events = join(out, 'events.jsonl');
  const opening = new RegExp(`^{"event":"open",.*"pid":${String(session.pid)},`, 'm');
  return existsSync(events) && opening.test(readFileSync(events, 'utf8'));
}

async function removed(run) {
  // Again where something was made in it meanwhile.
  for (let tries = 0; tries < 5 && existsSync(run.out); tries++) spawnSync('rm', ['-rf', run.out]);
  await noticeGone(run);
  return true;
}

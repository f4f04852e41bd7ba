import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signal } from './processes.mjs';
import { readEnd } from './remedy.mjs';
import { complete, endSession, placeOf, start } from './run.mjs';
import { allGone, Loss, startSession, until } from './session.mjs';

/** Several coordinators of one run directory. */
export const RIVAL_FAULTS = [
  fault('rivals: three begin a run at once', 'new', (run) => together(run, run.command)),
  fault("rivals: three over a dead one's lock", 'partial', (run) => together(run)),
  fault("rivals: over a dead one's lock, the first is killed", 'partial', rivalKilled),
  fault('rivals: another while one is at work', 'running', (run) => another(run, 'resume')),
  fault('rivals: fold while one is at work', 'running', (run) => another(run, 'fold')),
  fault('rivals: retry while one is at work', 'running', (run) => another(run, 'retry')),
  fault('rivals: fanfold stop', 'running', (run) => another(run, 'stop')),
  fault('rivals: another while one is stopped', 'running', rivalOfStopped),
  fault('a copied directory, resumed beside the original', 'running', copied),
];

// --- internal ---

function fault(name, state, act) {
  return { name, state, act, mayFail: ['FANFOLD_LOCKED', 'FANFOLD_INCOMPLETE', 'FANFOLD_MANIFEST'] };
}

/** Starts three at once; exactly one computes, and those that are refused say so. */
async function together(run, args) {
  const sessions = [0, 1, 2].map(() => startSession(args ?? argumentsOf(run), placeOf(run)));
  const ends = await endsOf(run, sessions);
  // The one at work may have met what an earlier fault has left.
  if (ends.every(({ isRefused }) => isRefused)) throw new Loss('of three rivals each was refused');
  return true;
}

async function rivalKilled(run) {
  const sessions = [0, 1].map(() => startSession(argumentsOf(run), placeOf(run)));
  await sleep(run.random.between(0, 400));
  signal(sessions[0].pid, 'SIGKILL');
  await endsOf(run, sessions);
  return true;
}

async function another(run, command) {
  const rival = startSession([command, run.out], placeOf(run));
  await until('a refusal', () => rival.end !== undefined);
  readEnd(run, rival.end);
  return true;
}

async function rivalOfStopped(run) {
  const { pid } = run.session;
  signal(pid, 'SIGSTOP');
  try {
    await another(run, 'resume');
  } finally {
    signal(pid, 'SIGCONT');
  }
  return true;
}

async function copied(run) {
  const out = `${run.out}-copy`;
  // A file may be renamed while it is copied, of which cp complains.
  spawnSync('cp', ['-r', run.out, out]);
  if (!existsSync(join(out, 'sweep.json'))) return false;
  const copy = {
    ...run,
    ...{ out, id: `${run.id}-copy`, marks: join(run.place, 'marks-copy'), session: undefined, faults: [] },
    command: run.command.map((word) => (word === run.out ? out : word)),
  };
  writeFileSync(copy.marks, '');
  copy.session = start(copy);
  const end = await endSession(copy);
  // Where it is taken for the original's, the original is waited for.
  if (end.isAdvised) await complete(run);
  await complete(copy);
  return true;
}

async function endsOf(run, sessions) {
  await until('the end of all rivals', () => sessions.every(({ end }) => end !== undefined));
  await allGone(run.id);
  return sessions.map(({ end }) => ({
    ...readEnd(run, end),
    isRefused: end.stderr.includes('[FANFOLD_LOCKED]'),
  }));
}

function argumentsOf(run) {
  return run.random.chance(0.5) ? ['resume', run.out] : run.command;
}

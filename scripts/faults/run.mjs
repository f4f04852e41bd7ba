import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftoversIn } from './leftovers.mjs';
import { costsOf, countMarks, finishedPoints, lostPoints } from './points.mjs';
import { readEnd } from './remedy.mjs';
import { endOf, Loss, startSession } from './session.mjs';
import { runArguments } from './sweeps.mjs';

/** More sessions than that, of which none has the result, mean that a run never ends. */
const MOST_SESSIONS = 8;

/**
 * A run that faults are done to: its directory, its processes, and the faults since its beginning.
 * @param round `sweep`, `random`, `folder`, `models`, and `reference`, the bytes of an undisturbed run
 * @param id unlike that of any other run; marks its processes
 */
export function newRun({ sweep, random, folder, models, disk, reference, format }, id) {
  const place = join(folder, id);
  mkdirSync(join(place, 'tmp'), { recursive: true });
  const out = join(disk ?? place, disk === undefined ? 'run' : id);
  const how = { models, out, format, tasks: random.pick([undefined, 3, 7]), jobs: 2 };
  const run = {
    id,
    sweep,
    random,
    place,
    out,
    format,
    reference,
    disk,
    sessions: 0,
    faults: [],
    mayFail: new Set(),
  };
  run.command = runArguments(sweep, how);
  run.marks = join(place, 'marks');
  run.mended = join(place, 'mended');
  writeFileSync(run.marks, '');
  return run;
}

/** Starts a session of a run: the same command, or `resume`, or what an error asked for. */
export function start(run, args = nextArguments(run)) {
  run.next = undefined;
  return startSession(args, placeOf(run));
}

/** Where and with what a session of a run is started. */
export function placeOf(run, { id = run.id, marks = run.marks, paceMs = run.sweep.paceMs } = {}) {
  run.sessions++;
  return {
    id,
    log: join(run.place, `session-${String(run.sessions)}`),
    cwd: run.place,
    env: {
      TMPDIR: join(run.place, 'tmp'),
      FAULTS_MARKS: marks,
      FAULTS_MENDED: run.mended,
      FAULTS_PACE_MS: String(paceMs),
    },
  };
}

/** Notes that a fault is done now: what is finished before it must not be computed again after it. */
export function noteFault(run, fault) {
  closeFault(run);
  for (const code of fault.mayFail ?? []) run.mayFail.add(code);
  // In this order: whatever is finished has its mark by then.
  const finished = finishedPoints(run.out);
  const damage = run.isComplete ? undefined : run.faults.at(-1)?.damage;
  const noted = { fault, finished, offset: countMarks(run.marks), advised: 0 };
  // What damage costs may come to light only after a fault that follows it.
  run.faults.push(Object.assign(noted, { damage: fault.mayLose === true ? noted : damage }));
  run.isComplete = false;
}

/** Takes a note back: the fault could not be done. */
export function dropFault(run) {
  run.faults.pop();
}

/** Brings a run to its end, does what its errors ask for, and compares the result. */
export async function complete(run) {
  if (run.isComplete) return;
  for (let count = 0; count < MOST_SESSIONS; count++) {
    run.session ??= start(run);
    const end = await endSession(run);
    if (end.isComplete) return;
  }
  throw new Loss(`no result after ${String(MOST_SESSIONS)} sessions`);
}

/** Waits for a session's end, and takes what it asks for to heart. */
export async function endSession(run) {
  const { session } = run;
  run.session = undefined;
  const end = readEnd(run, await endOf(session));
  if (end.isAdvised && run.faults.length > 0) run.faults.at(-1).advised++;
  run.next = end.next;
  if (end.isComplete) finish(run);
  return end;
}

/** Throws where a run's result is not what it must be. */
export function compareResult(run, out = run.out) {
  const result = join(out, `result.${run.format}`);
  if (!existsSync(result)) throw new Loss(`exit code 0 without ${result}`);
  if (!readFileSync(result).equals(run.reference))
    throw new Loss(`${result} has other bytes than undisturbed`);
}

/** The faults of a run, each with its cost. */
export function outcomesOf({ marks, faults }) {
  const costs = costsOf(marks, faults);
  return faults.map((noted, at) => ({ ...noted, cost: costs[at] }));
}

// --- internal ---

function nextArguments(run) {
  if (run.next !== undefined) return run.next;
  return existsSync(join(run.out, 'sweep.json')) && run.random.chance(0.5)
    ? ['resume', run.out]
    : run.command;
}

function finish(run) {
  compareResult(run);
  closeFault(run);
  for (const fault of run.faults) fault.isSurvived = true;
  run.isComplete = true;
  const last = run.faults.at(-1);
  if (last === undefined) return;
  last.leftovers = leftoversIn(run);
  if (last.leftovers.length === 0 || run.faults.some(({ fault }) => fault.mayLeave === true)) return;
  throw new Loss(`temporary files are left: ${last.leftovers.join(' ')}`);
}

/** Looks at what the last fault lost, now that the next one comes or the run is complete. */
function closeFault(run) {
  const last = run.faults.at(-1);
  if (last === undefined || last.isClosed) return;
  last.isClosed = true;
  const { size } = lostPoints(run.marks, last);
  if (size === 0 || last.damage !== undefined) return;
  throw new Loss(`${String(size)} finished points were computed again after ${last.fault.name}`);
}

import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import type { RunPaths } from '../../run/paths.js';
import { squeue, type Queue } from './commands.js';
import { readSubmitted } from './submitted.js';

/**
 * Waits until the jobs of a run have ended: all files are there, or nobody is at work any more.
 * @param tasks whose files are waited for
 * @param how.isOver asked with growing gaps, while the files are looked at all the same: an answer may take long
 * @returns how it ended; `left` where the wait was
 */
export async function followJobs(
  paths: RunPaths,
  tasks: readonly number[],
  how: { readonly isOver: (signal: AbortSignal) => Promise<boolean>; readonly signal: AbortSignal },
): Promise<'complete' | 'ended' | 'left'> {
  const startMs = performance.now();
  const names = tasks.map((task) => basename(paths.task(task)));
  const [end, over] = [new AbortController(), new AbortController()];
  const whileFollowed = AbortSignal.any([how.signal, end.signal]);
  const asking = askUntilOver(how.isOver, startMs, whileFollowed).finally(() => {
    over.abort();
  });
  // It is waited for below, also where it fails long before.
  asking.catch(() => undefined);
  const signal = AbortSignal.any([how.signal, over.signal]);
  try {
    for (;;) {
      if (how.signal.aborted) return 'left';
      const lookedMs = performance.now();
      // First: the answer may be older than the files.
      const isOver = over.signal.aborted;
      if (areThere(paths, names)) return 'complete';
      if (isOver) {
        await asking;
        return 'ended';
      }
      const now = performance.now();
      // A listing that takes long, of very many tasks, is made less often.
      const lookGapMs = Math.max(gapMs(now - startMs, FIRST_LOOK_MS, LONGEST_LOOK_MS), 10 * (now - lookedMs));
      await setTimeout(lookGapMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    end.abort();
  }
}

/**
 * The question whether Slurm has no element of a run any more; without an answer it is taken to have some.
 * @param onNotice called with Slurm's reasons, once, where elements wait and none has run for a while
 */
export function watchQueue(
  paths: RunPaths,
  onNotice: (text: string) => void,
): (signal: AbortSignal) => Promise<boolean> {
  const idle = idleWatch(onNotice);
  return async (signal) => {
    const queue = await squeue(paths, readSubmitted(paths), { signal });
    if (queue === undefined) return false;
    idle(queue, performance.now());
    return queue.waiting + queue.running === 0;
  };
}

/** Says once for each reason why nothing runs. */
export function idleWatch(onNotice: (text: string) => void): (queue: Queue, nowMs: number) => void {
  const told = new Set<string>();
  let sinceMs: number | undefined;
  return ({ waiting, running, reasons }, nowMs) => {
    if (running > 0 || waiting === 0) {
      sinceMs = undefined;
      return;
    }
    sinceMs ??= nowMs;
    const why = reasons.join(', ');
    const isHopeless = NEVER.test(why);
    if ((!isHopeless && nowMs - sinceMs < IDLE_MS) || told.has(why)) return;
    told.add(why);
    const elements = waiting === 1 ? 'the element that waits' : `the ${String(waiting)} elements that wait`;
    const advice = isHopeless
      ? ' That does not pass by itself: end it with fanfold stop, and mend the --slurm options or --pack.'
      : '';
    onNotice(`Slurm has not started ${elements}: ${why === '' ? 'it gives no reason' : why}.${advice}`);
  };
}

// --- internal ---

const FIRST_LOOK_MS = 250;
const LONGEST_LOOK_MS = 5_000;
const FIRST_ASK_MS = 2_000;
const LONGEST_ASK_MS = 60_000;
/** A wait is at most this share of the time that has passed, so that it never adds much to a run. */
const SHARE = 0.1;
/** Schedulers look at their queue every half a minute or so. */
const IDLE_MS = 40_000;
/** Slurm's reasons of jobs that no free processor will start. */
const NEVER =
  /BadConstraints|PartitionConfig|PartitionNodeLimit|PartitionTimeLimit|Invalid|NeverSatisfied|not available|MaxCpuPerJob|MaxNodePerJob|MaxMemPerJob|MaxWallDurationPerJob/;

function gapMs(passedMs: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, SHARE * passedMs));
}

/** Asks a question with growing gaps until the answer is yes. */
async function askUntilOver(
  ask: (signal: AbortSignal) => Promise<boolean>,
  startMs: number,
  signal: AbortSignal,
): Promise<void> {
  do {
    const waitMs = gapMs(performance.now() - startMs, FIRST_ASK_MS, LONGEST_ASK_MS);
    await setTimeout(waitMs, undefined, { signal }).catch(() => undefined);
  } while (!signal.aborted && !(await ask(signal)));
}

/** Whether a listing of the run directory, which is trusted more than a look at each file, has all of them. */
function areThere(paths: RunPaths, names: readonly string[]): boolean {
  if (!existsSync(paths.directory)) return false;
  const there = new Set(readdirSync(paths.directory));
  return names.every((name) => there.has(name));
}

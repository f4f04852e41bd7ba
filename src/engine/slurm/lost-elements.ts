import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { endOfLog } from '../../run/log-file.js';
import type { RunPaths } from '../../run/paths.js';
import { sacct } from './commands.js';
import type { Submitted } from './submitted.js';

/** An element that ended before its tasks were finished. */
export interface LostElement {
  readonly element: number;
  /** As Slurm knows it: `12_3`. */
  readonly id: string;
  /** In Slurm's words, on a cluster with accounting. */
  readonly state?: string;
  /** Path of its log, and what stands at the end of that; none where it could not even begin one. */
  readonly log?: string;
  readonly lastWords: string;
}

const LAST_WORDS_BYTES = 600;

/** What is known of elements that have ended too early: from their logs, and from one question to the accounting. */
export async function lostElements(
  paths: RunPaths,
  elements: readonly number[],
  { arrays, jobs, since = new Date() }: Submitted,
  asking: { readonly patienceMs?: number } = {},
): Promise<LostElement[]> {
  const all = elements.flatMap((element) => {
    const ids = arrays
      .filter(({ first }) => first <= element)
      .map(({ job, first }) => `${job}_${String(element - first)}`);
    const withLog = ids.findLast((id) => existsSync(logOf(paths, id)));
    const id = withLog ?? ids.at(-1);
    return id === undefined ? [] : [{ element, id, hasLog: withLog !== undefined }];
  });
  // Those that were cancelled before they began have none either, and tell nothing beside others.
  const withLog = all.filter(({ hasLog }) => hasLog);
  const found = withLog.length > 0 ? withLog : all;
  if (found.length === 0) return [];
  const states = await sacct(jobs, new Date(since.getTime() - DAY_MS), asking);
  return found.map(({ element, id, hasLog }) => {
    const log = logOf(paths, id);
    const state = states.get(id);
    return {
      element,
      id,
      ...(state === undefined ? {} : { state }),
      ...(hasLog ? { log } : {}),
      lastWords: endOfLog(log, 0, LAST_WORDS_BYTES).trim().split('\n').slice(-MOST_LINES).join('\n'),
    };
  });
}

/** Lost elements in words; an empty text where there are none. */
export function describeLost(lost: readonly LostElement[]): string {
  const [first] = lost;
  if (first === undefined) return '';
  const names = lost
    .slice(0, MOST_NAMED)
    .map(({ id, state }) => (state === undefined ? id : `${id} (${state})`));
  const more = lost.length > MOST_NAMED ? ` and ${String(lost.length - MOST_NAMED)} more` : '';
  const which = lost.length === 1 ? '1 element of the array' : `${String(lost.length)} elements of the array`;
  const ended = `${which} ended before the tasks were finished: ${names.join(', ')}${more}.`;
  if (first.log === undefined)
    return `${ended} None of them has begun its log in the run directory: they were cancelled before they started, or the directory is not there, or can't be written to, on their nodes. Slurm tells more, for some minutes, by: scontrol show job ${first.id}`;
  const log = `logs/${basename(first.log)}`;
  if (first.lastWords === '') return `${ended} Nothing stands in ${log}.`;
  return `${ended} The end of ${log}:\n${first.lastWords.replace(/^/gm, '  ')}`;
}

// --- internal ---

const DAY_MS = 86_400_000;
const MOST_LINES = 4;
const MOST_NAMED = 8;

function logOf({ logs }: RunPaths, id: string): string {
  return join(logs, `slurm-${id}.log`);
}

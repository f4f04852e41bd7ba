import {
  hasForm,
  isCount,
  isLayout,
  isRecord,
  isText,
  listOf,
  optional,
  recordOf,
  type Check,
} from '../checks.js';
import type { Layout } from '../format/layout.js';
import type { Numbers } from '../format/row.js';
import type { Certificate } from './certificate.js';
import { readRecords, scanRecords, type Reading, type Records } from './journal.js';
import { journalsOf } from './elements.js';
import type { FileHashes } from './file-hashes.js';
import type { RunPaths } from './paths.js';
import type { ProcessIdentity } from './process-identity.js';

/** A line of `events.jsonl`. Times are milliseconds since 1970, written by the host that does the work. */
export type RunEvent =
  | {
      event: 'open';
      time: number;
      host: string;
      pid: number;
      jobs: number;
      /** The scheduler's id of the job of an element: `12_3`. */
      job?: string;
      /** Failed points are computed again. */
      isRetry?: true;
      /** Points that had a result then. */
      done?: number;
    }
  /** A process is about to be given work in the run directory, which is told from its copies by `folder`. */
  | ({
      event: 'spawn';
      time: number;
      folder: string;
      /** Everything under it bears this in its environment. */
      mark?: string;
    } & ProcessIdentity)
  | {
      event: 'start';
      time: number;
      task: number;
      host: string;
      pid: number;
      lines: number;
      /** Its failed points are computed again; what is missing of it comes after them, with a start of its own. */
      isRetry?: true;
    }
  | { event: 'layout'; time: number; task: number; layout: Layout }
  | TaskEnd
  | {
      event: 'died';
      time: number;
      task: number;
      host: string;
      pid: number;
      seconds: number;
      cause: string;
      /** It was killed for a point that took too long. */
      isLate?: true;
      /** It was killed because the run was ended at once. */
      isEnded?: true;
    }
  /** A model has imported files while it computed, which the run's manifest does not name: their sha256, by path. */
  | { event: 'learn'; time: number; host: string; pid: number; files: FileHashes }
  /** Array jobs were submitted to Slurm. */
  | {
      event: 'submit';
      time: number;
      host: string;
      pid: number;
      /** Ids of the arrays, and of the job that folds after them. */
      jobs: readonly string[];
      fold?: string;
      /** How many elements they have, and which is the first one's number that has index 0. */
      elements: number;
      first: number;
    }
  | {
      event: 'repair';
      time: number;
      host: string;
      pid: number;
      files: readonly string[];
      /** Finished tasks of which no good file is left, and how often each was finished by then. */
      lost?: readonly { readonly task: number; readonly times: number }[];
    }
  | {
      event: 'close';
      time: number;
      host: string;
      pid: number;
      seconds: number;
      reason: string;
      /** The signal, or what else ended it early. */
      stoppedBy?: string;
      /** Of a retry that was ended early: how many points have failed in it. */
      failedAgain?: number;
    };

/** The end of a process's work on a task; with bytes and hash where the task is complete. */
export interface TaskEnd {
  readonly event: 'end';
  readonly time: number;
  readonly task: number;
  readonly host: string;
  readonly pid: number;
  readonly seconds: number;
  /** Points computed now, failed ones counted. */
  readonly points: number;
  /** Lines that stand for failed points. */
  readonly failed: number;
  /** Which numbers the result columns without a declared type hold. */
  readonly numbers?: Numbers;
  /** How many of the values computed now were nan, by result column. */
  readonly nans?: Readonly<Record<string, number>>;
  /** With `file`: the columns, which the result's header needs, so that no single record of them is all there is. */
  readonly layout?: Layout;
  readonly file?: { readonly lines: number; readonly bytes: number; readonly sha256: string };
}

/** A line of `failures.jsonl`: one attempt at one point that failed, even if a later one did not. */
export interface FailureRecord {
  readonly time: number;
  readonly index: number;
  readonly task: number;
  readonly parameters: Record<string, unknown>;
  readonly attempt: number;
  readonly error: string;
  readonly stack?: string;
  readonly certificate?: Certificate;
}

/** What a run's `events.jsonl` holds, and what those of its elements do. */
export function readEvents(paths: RunPaths): RunEvent[] {
  return readJournals(paths).flat();
}

/** The same, journal by journal: records of one journal are in order, those of two are not. */
export function readJournals(paths: RunPaths): RunEvent[][] {
  return journalsOf(paths).map(({ events }) => readEventsFrom(events).records);
}

/** The events of one journal from byte `offset` on. */
export function readEventsFrom(path: string, offset = 0): Records<RunEvent> {
  const { records, ...rest } = readRecords(path, offset);
  return { ...rest, records: records.filter(isEvent) };
}

/** The last failure on record of each of some points, by index. */
export function lastFailures(paths: RunPaths, points: readonly number[]): Map<number, FailureRecord> {
  const wanted = new Set(points);
  const last = new Map<number, FailureRecord>();
  for (const { failures } of journalsOf(paths)) {
    scanAttempts(failures, 0, (record) => {
      const { index, time } = record;
      if (wanted.has(index) && time >= (last.get(index)?.time ?? 0)) last.set(index, record);
    });
  }
  return last;
}

/** Visits the failures that were recorded in one journal from byte `offset` on. */
export function scanAttempts(
  path: string,
  offset: number,
  visit: (attempt: FailureRecord) => unknown,
): Reading {
  return scanRecords(path, offset, (record) => {
    if (isFailure(record)) visit(record);
  });
}

/** Parameters with bigints, nan and inf as text, which JSON lacks, and the beginning of long strings. */
export function storableParameters(parameters: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))
        ? String(value)
        : typeof value === 'string' && value.length > LONGEST_STRING
          ? `${value.slice(0, LONGEST_STRING)} … (${String(value.length)} characters)`
          : value,
    ]),
  );
}

// --- internal ---

const isNumber: Check = (value) => typeof value === 'number';

/** What their readers rely on; a record of another form is left out, as a damaged one is. */
const EVENTS: Readonly<Record<RunEvent['event'], Check>> = {
  open: hasForm({
    time: isNumber,
    pid: isCount,
    jobs: isCount,
    job: optional(isText),
    done: optional(isCount),
  }),
  spawn: hasForm({ pid: isCount, mark: optional(isText) }),
  start: hasForm({ task: isCount, time: isNumber, pid: isCount, lines: isCount }),
  layout: hasForm({ layout: isLayout }),
  end: hasForm({
    time: isNumber,
    task: isCount,
    pid: isCount,
    seconds: isNumber,
    points: isCount,
    failed: isCount,
    numbers: optional(recordOf(isText)),
    nans: optional(recordOf(isCount)),
    layout: optional(isLayout),
    file: optional(hasForm({ lines: isCount, bytes: isCount, sha256: isText })),
  }),
  died: hasForm({ time: isNumber, task: isCount, pid: isCount }),
  learn: hasForm({ files: recordOf(isText) }),
  submit: hasForm({
    time: isNumber,
    jobs: listOf(isText),
    fold: optional(isText),
    elements: isCount,
    first: isCount,
  }),
  repair: hasForm({ lost: optional(listOf(hasForm({ task: isCount, times: isCount }))) }),
  close: hasForm({ time: isNumber, seconds: isNumber, failedAgain: optional(isCount) }),
};

function isEvent(record: object): record is RunEvent {
  if (!('event' in record) || typeof record.event !== 'string') return false;
  return Object.hasOwn(EVENTS, record.event) && EVENTS[record.event as RunEvent['event']](record);
}

function isFailure(record: object): record is FailureRecord {
  return FAILURE(record);
}

const FAILURE = hasForm({ index: isCount, parameters: isRecord, attempt: isCount, error: isText });

/** A record tells a point from others; its values stand in the run's own files. */
const LONGEST_STRING = 1000;

import { execFile } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';
import { FanfoldError, systemCode } from '../../errors.js';

// Slurm's commands, each called once for all jobs of a run.

/** What a command came to. */
interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** It was given up, because it took too long. */
  readonly isGivenUp?: true;
  /** A signal of somebody else's ended it. */
  readonly isInterrupted?: true;
}

const PATIENCE_MS = 120_000;
/** For one who has less time: an element that is about to end, or a person who waits for the answer. */
export const SHORT_PATIENCE_MS = 8_000;
/** Slurm's own, where a cluster can't be asked. */
export const DEFAULT_MAX_ARRAY_SIZE = 1001;
/** For a first question, before anything is written. */
const FIRST_PATIENCE_MS = 30_000;
const MOST_BYTES = 64 << 20;

/** How a job is submitted. */
export interface Submission {
  /** Path of the script, and the folder from which it is submitted. */
  readonly script: string;
  readonly folder: string;
  /** Options of sbatch. */
  readonly options: readonly string[];
  /** Arguments of the script. */
  readonly args: readonly string[];
}

/**
 * Submits a script.
 * @returns the id of the job
 * @throws FanfoldError with Slurm's own words where it refuses, of exit code 1 where nobody answers
 */
export async function sbatch({ script, folder, options, args }: Submission): Promise<string> {
  const ended = await call('sbatch', ['--parsable', ...options, script, ...args], { cwd: folder });
  const id = /^\d+/.exec(ended.stdout.trim())?.[0];
  if (ended.exitCode === 0 && id !== undefined) return id;
  if (isUnanswered(ended)) throw noController('sbatch', ended);
  throw new FanfoldError(
    'FANFOLD_SLURM',
    `Expected Slurm to take the job, but sbatch refused it: ${wordsOf(ended)}. Mend the --slurm options that it names.`,
  );
}

/** The jobs of a run, as far as they are on record. */
export interface RunJobs {
  /** Ids of its arrays, and of the jobs that fold after them. */
  readonly jobs: readonly string[];
  readonly folds: readonly string[];
}

/** How many elements of a run wait and how many run. */
export interface Queue {
  /** Ids of the arrays that are there, and of the recorded jobs that fold. */
  readonly jobs: readonly string[];
  readonly folds: readonly string[];
  readonly waiting: number;
  readonly running: number;
  /** Why those that wait do, in Slurm's words. */
  readonly reasons: readonly string[];
}

/** How a question is asked. */
interface Asking {
  readonly patienceMs?: number;
  /** Gives the question up. */
  readonly signal?: AbortSignal;
}

/**
 * Asks for the jobs of a run in one call, also for those that were submitted by hand.
 * @param script its script, whose owner has submitted what is on record
 * @returns undefined where Slurm gives no answer now, or isn't here
 */
export async function squeue(
  { directory, jobScript }: { readonly directory: string; readonly jobScript: string },
  known: RunJobs,
  asking: Asking = {},
): Promise<Queue | undefined> {
  const format = `--format=${['%i', '%T', '%r', '%j', '%o', '%Z'].join(BETWEEN)}`;
  let ended: Ended;
  try {
    ended = await call('squeue', ['--noheader', ...ownerOption(jobScript), format], asking);
  } catch (error) {
    if (error instanceof FanfoldError) return undefined;
    throw error;
  }
  return ended.exitCode === 0 ? readQueue(ended.stdout, directory, known) : undefined;
}

/** Reads what squeue prints: a line for each running element, and one for all that wait of an array. */
export function readQueue(text: string, folder: string, known: RunJobs): Queue {
  let [waiting, running] = [0, 0];
  const reasons = new Set<string>();
  const jobs = new Set<string>();
  const folds = new Set<string>();
  const isHere = folderTest(folder);
  // No line holds such a path whole.
  const isTold = !folder.includes('\n');
  for (const line of text.split('\n')) {
    const [id = '', state = '', reason = '', name = '', command = '', place = ''] = line
      .trim()
      .split(BETWEEN);
    // On another cluster, or once Slurm begins its numbers anew, other jobs have the recorded ids.
    if (state === '' || (isTold && !isHere(place))) continue;
    if (known.folds.includes(id)) {
      if (!ENDED.test(state)) folds.add(id);
      continue;
    }
    const [array = id, index] = id.split('_');
    const isOurs = index !== undefined && isTold && (name.startsWith('fanfold-') || JOB_SCRIPT.test(command));
    if (!known.jobs.includes(array) && !isOurs) continue;
    if (WAITING.includes(state)) {
      waiting += countIndices(id);
      if (reason !== '' && reason !== 'None') reasons.add(reason);
    } else if (!ENDED.test(state)) {
      running += countIndices(id);
    } else {
      continue;
    }
    jobs.add(array);
  }
  return { jobs: [...jobs], folds: [...folds], waiting, running, reasons: [...reasons] };
}

/**
 * Tells running elements to finish their points in hand and to end, and takes those that wait out of the queue.
 * @throws FanfoldError where Slurm refuses, for another user's jobs say
 */
export async function cancelGently(ids: readonly string[]): Promise<void> {
  await scancel(['--state=PENDING', ...ids]);
  await scancel(['--full', '--signal=INT', ...ids]);
}

/**
 * Ends jobs at once.
 * @throws FanfoldError where Slurm refuses
 */
export async function cancel(ids: readonly string[]): Promise<void> {
  await scancel(ids);
}

/** Takes those of some jobs that still wait out of the queue. */
export async function cancelWaiting(ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await scancel(['--state=PENDING', ...ids]);
}

/**
 * The cluster's bound of array indices; Slurm's default where it isn't told.
 * @throws FanfoldError where Slurm isn't here, nobody answers, or there are no arrays
 */
export async function readMaxArraySize(asking: Asking = {}): Promise<number> {
  const ended = await call('scontrol', ['show', 'config'], { patienceMs: FIRST_PATIENCE_MS, ...asking });
  if (isUnanswered(ended)) throw noController('scontrol', ended);
  const size = Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(ended.stdout)?.[1]);
  if (size === 1) {
    throw new FanfoldError(
      'FANFOLD_SLURM',
      'Expected a cluster with array jobs, but its MaxArraySize is 1. Run the sweep within a job: salloc, then fanfold without --engine slurm.',
    );
  }
  return Number.isSafeInteger(size) && size > 1 ? size : DEFAULT_MAX_ARRAY_SIZE;
}

/** What the accounting says of ended elements, by id such as `12_3`; empty on a cluster without any. */
export async function sacct(
  ids: readonly string[],
  since: Date,
  asking: Asking = {},
): Promise<Map<string, string>> {
  const options = ['--allocations', '--noheader', '--parsable2', `--starttime=${localTime(since)}`];
  const what = [`--jobs=${ids.join(',')}`, '--format=JobID,State'];
  const { exitCode, stdout } = await call('sacct', [...options, ...what], asking).catch((error: unknown) => {
    if (error instanceof FanfoldError) return { exitCode: 1, stdout: '' };
    throw error;
  });
  if (exitCode !== 0) return new Map();
  return new Map(
    stdout
      .split('\n')
      .map((line) => line.split('|'))
      .filter(([, state]) => state !== undefined)
      .map(([id = '', state = '']) => [id, state]),
  );
}

/** The state of one job or element, as Slurm names it; undefined where it doesn't tell. */
export function stateOf(id: string): Promise<string | undefined> {
  return fieldOf(id, '%T');
}

/** How long Slurm lets a job run on, in ms; undefined where it has no limit or nothing is known. */
export async function timeLeftMs(id: string): Promise<number | undefined> {
  return readDuration((await fieldOf(id, '%L')) ?? '');
}

/** Reads a duration as Slurm prints it, `1-02:03:04` or `3:04`; gives milliseconds, undefined for anything else. */
export function readDuration(text: string): number | undefined {
  const { days = '0', clock = '' } =
    /^(?:(?<days>\d+)-)?(?<clock>\d+(?::\d+){1,2})$/.exec(text)?.groups ?? {};
  if (clock === '') return undefined;
  const seconds = clock.split(':').reduce((sum, part) => 60 * sum + Number(part), 0);
  return (Number(days) * 86_400 + seconds) * 1000;
}

/**
 * Puts a running job back into the queue; Slurm then ends it.
 * @returns Slurm's words where it refuses
 */
export async function requeue(id: string): Promise<string | undefined> {
  const ended = await call('scontrol', ['requeue', id]);
  return ended.exitCode === 0 ? undefined : wordsOf(ended);
}

// --- internal ---

/** What stands in no name and no path that anybody would make. */
const BETWEEN = '\x1f';
/** The script of a run, with which an array was submitted, and its arguments. */
const JOB_SCRIPT = /(?:^|\/)job\.sh(?: |$)/;

/** Slurm looks for the jobs of one user fast; where another one has submitted the run's, for all. */
function ownerOption(script: string): string[] {
  const me = process.getuid?.();
  const owner = statSync(script, { throwIfNoEntry: false })?.uid ?? me;
  return me === undefined || owner !== me ? [] : [`--user=${String(me)}`];
}

const WAITING = ['PENDING', 'REQUEUED', 'REQUEUE_HOLD', 'SPECIAL_EXIT'];
/** How Slurm's commands say that nobody listens, or that it took too long. */
const UNANSWERED = /unable to contact|timed out|connection refused|communication|zero bytes/i;
const REFUSED = /denied|permission|not permitted|unable to contact/i;

/** What squeue prints of one job; undefined where it prints nothing. */
async function fieldOf(id: string, format: string): Promise<string | undefined> {
  const words = ['--noheader', `--jobs=${id}`, `--format=${format}`];
  const { exitCode, stdout } = await call('squeue', words, { patienceMs: SHORT_PATIENCE_MS });
  const [field = ''] = stdout.trim().split('\n');
  return exitCode === 0 && field !== '' ? field : undefined;
}

async function scancel(args: readonly string[]): Promise<void> {
  let ended = await call('scancel', args);
  // Ctrl-C reaches it too, where it ends a wait only.
  if (ended.isInterrupted === true) ended = await call('scancel', args);
  // That a job has ended meanwhile is no refusal.
  if (ended.exitCode === 0 || !REFUSED.test(ended.stderr)) return;
  throw new FanfoldError(
    'FANFOLD_SLURM',
    `Expected Slurm to end the jobs, but scancel refused it: ${wordsOf(ended)}. Do it as the user who submitted them, on a login node of the cluster.`,
    { exitCode: 1 },
  );
}

/** Tells the jobs of a folder; its path may lead there by a link. */
function folderTest(folder: string): (place: string) => boolean {
  const own = [folder, realPath(folder)];
  return (place) => own.includes(place) || own.includes(realPath(place));
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Of another machine, or removed.
    return path;
  }
}

/** Variables that change what squeue and scancel say and do; those of sbatch are the user's defaults. */
const MISLEADING = /^(?:SQUEUE|SCANCEL)_/;

function quietEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !MISLEADING.test(name));
  // Lists of indices are cut short otherwise.
  return { ...Object.fromEntries(kept), SLURM_BITSTR_LEN: '0' };
}

/** States in which an element computes no more; one that is COMPLETING may still be at its last file. */
const ENDED = /^(?:BOOT_FAIL|CANCELLED|COMPLETED|DEADLINE|FAILED|NODE_FAIL|OUT_OF_MEMORY|REVOKED|TIMEOUT)/;

/** Calls one of Slurm's commands; what it exits with is for the caller to judge. */
function call(
  program: string,
  args: readonly string[],
  { cwd, patienceMs = PATIENCE_MS, signal }: Asking & { readonly cwd?: string } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      {
        timeout: patienceMs,
        maxBuffer: MOST_BYTES,
        env: quietEnvironment(),
        ...(cwd === undefined ? {} : { cwd }),
        ...(signal === undefined ? {} : { signal }),
      },
      (error, stdout, stderr) => {
        if (error === null) resolve({ exitCode: 0, stdout, stderr });
        else if (systemCode(error) === 'ENOENT') reject(notHere(program));
        else {
          const exitCode = typeof error.code === 'number' ? error.code : 1;
          const ended = { exitCode, stdout, stderr };
          if (error.killed === true) resolve({ ...ended, isGivenUp: true });
          else if (typeof error.signal === 'string') resolve({ ...ended, isInterrupted: true });
          else resolve(ended);
        }
      },
    );
    child.stdin?.end();
  });
}

function notHere(program: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_SLURM',
    `Expected Slurm's commands on PATH, but ${program} is not there. Do this on a login node of the cluster, or use --engine local.`,
  );
}

function isUnanswered({ exitCode, stderr, isGivenUp }: Ended): boolean {
  return isGivenUp === true || (exitCode !== 0 && UNANSWERED.test(stderr));
}

function noController(program: string, ended: Ended): FanfoldError {
  return new FanfoldError(
    'FANFOLD_SLURM',
    `Expected an answer of Slurm's controller, but it does not answer (${program}: ${wordsOf(ended)}). Try again once squeue gives an answer here, or use --engine local.`,
    { exitCode: 1 },
  );
}

function wordsOf({ exitCode, stdout, stderr, isGivenUp }: Ended): string {
  const words = stderr
    .split('\n')
    .map((line) => line.replace(/^(?:sbatch|scontrol): (?:error: )?/, '').trim())
    .filter((line) => line !== '')
    .join('; ');
  if (words !== '') return words.replace(/\.$/, '');
  if (isGivenUp === true) return 'it took too long';
  const [line = ''] = stdout.trim().split('\n');
  return `it ended with exit status ${String(exitCode)} and ${line === '' ? 'said nothing' : `these words: ${line}`}`;
}

/** How many elements an id names: `12_3` one, `12_[4-9,11%2]` seven. */
function countIndices(id: string): number {
  const list = /\[([^\]%]*)/.exec(id)?.[1];
  if (list === undefined) return 1;
  return list.split(',').reduce((sum, range) => {
    const [first = 0, last = first, step = 1] = range.split(/[-:]/).map(Number);
    return sum + (Number.isFinite(last) ? Math.floor((last - first) / step) + 1 : 1);
  }, 0);
}

/** A time as Slurm's commands read it, in the machine's own zone. */
function localTime(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}

import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Outcome } from '../sweep/sweep.js';
import type { Certificate } from '../run/certificate.js';
import { failedPoints, recordsOfFailed } from '../run/failed-points.js';
import type { Manifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { isOver, type TaskState } from '../run/task-state.js';
import { OFTEN_MEMORY } from '../run/verdict.js';
import { commandFor, shortPath } from './command-line.js';
import { count, formatSeconds } from './duration.js';
import { errorLine } from './error-line.js';
import { printable, shortened } from './printable.js';
import { lastSession, type ProcessRecord, type Session } from './session.js';

const MOST_PROCESSES = 16;
const MOST_FAILURES = 3;

/** What a run came to, in a few lines for a person. */
export function summarize(
  outcome: Outcome,
  session: Session | undefined = lastSession(outcome.directory, outcome.manifest),
): string {
  const { status, states } = outcome;
  const lines = [
    ...outcome.setAside.map(
      (path) => `A file that this run did not write was moved aside: ${shortPath(path)}`,
    ),
    ...(session === undefined ? [] : describeSession(session, outcome, states)),
    ...(status === 'complete' ? describeMixed(session?.mixed ?? [], outcome.manifest) : []),
    ...(session === undefined ? [] : describeNans(session, outcome.manifest)),
  ];
  if (status === 'complete') return lines.join('\n');
  return [...lines, ...describeFailures(outcome), ...describeStop(outcome), ...describeRest(outcome)].join(
    '\n',
  );
}

/** What is wrong with a run that is not complete, in one line. */
export function describeTrouble(outcome: Outcome): string {
  const { directory, status } = outcome;
  const [why] = describeStop(outcome);
  const next = commandFor(isCutRetry(outcome) ? 'retry' : 'resume', directory);
  if (why !== undefined) return `fanfold: ${why}; go on with: ${next}`;
  return status === 'failed'
    ? `fanfold: points failed, as ${failuresOf(outcome)} tells; ${commandFor('retry', directory)} computes them again`
    : `fanfold: stopped before the end; go on with ${next}`;
}

// --- internal ---

function describeSession(
  session: Session,
  { manifest, computed }: Outcome,
  states: readonly TaskState[],
): string[] {
  const complete = states.filter(({ status }) => status === 'complete').length;
  const whole = `${count(manifest.points, 'point')} in ${count(manifest.tasks, 'task')}`;
  const share =
    computed === manifest.points
      ? ''
      : ` (${count(computed, 'point')} computed now, ${count(complete, 'task')} complete)`;
  const { processes, wallSeconds, taskSeconds, jobs } = session;
  const speedUp = wallSeconds > 0 ? (taskSeconds / wallSeconds).toFixed(2) : '-';
  return [
    `${whole}${share}; ${count(processes.length, 'process')}, at most ${String(jobs)} at once`.replace(
      'processs',
      'processes',
    ),
    ...describeProcesses(processes),
    `wall time ${formatSeconds(wallSeconds)}, sum of the task times ${formatSeconds(taskSeconds)}, speed-up ${speedUp}`,
  ];
}

function describeProcesses(processes: readonly ProcessRecord[]): string[] {
  const shown = processes.slice(0, MOST_PROCESSES);
  const width = Math.max(...shown.map(({ pid }) => String(pid).length));
  const lines = shown.map(
    ({ pid, host, tasks, seconds, end }) =>
      `  pid ${String(pid).padStart(width)}${host === hostname() ? '' : ` on ${host}`}  running time ${formatSeconds(seconds)}  ${count(tasks, 'task')}${end === undefined ? '' : `, ${end}`}`,
  );
  const rest = processes.length - shown.length;
  return rest > 0 ? [...lines, `  and ${String(rest)} more`] : lines;
}

/** An unknown name gives `undefined` in JavaScript, and nan in every result: the commonest mistake of all. */
function describeNans({ nans, points }: Session, { spec }: Manifest): string[] {
  const isModule = 'file' in spec.worker && !isPython(spec.worker.file);
  return [...nans].map(([name, number]) => {
    const share =
      number >= points ? `All ${count(points, 'value')}` : `${count(number, 'value')} of ${String(points)}`;
    const advice =
      isModule && number >= points
        ? ' Does the worker call its parameters by the names that were swept?'
        : '';
    return `${share} of ${name} ${number === 1 && points > 1 ? 'is' : 'are'} nan.${advice}`;
  });
}

function describeMixed(mixed: readonly string[], { spec }: Manifest): string[] {
  if (mixed.length === 0) return [];
  return [
    `The result holds whole numbers printed as integers beside fractions (${mixed.join(', ')}); to print all as floats, ${floatAdvice(mixed, spec.worker)}.`,
  ];
}

/** How a worker of each kind says that its columns are floats. */
function floatAdvice(names: readonly string[], worker: Manifest['spec']['worker']): string {
  if (!('file' in worker)) return `use --columns ${names.map((name) => `${name}:float64`).join(',')}`;
  const columns = names.map((name) => (isPython(worker.file) ? `'${name}'` : name));
  const entries = columns.map((name) => `${name}: 'float64'`).join(', ');
  return isPython(worker.file)
    ? `let the model say columns = {${entries}}`
    : `let the worker export const columns = { ${entries} }`;
}

function isPython(file: string): boolean {
  return file.endsWith('.py');
}

/** Text that may be of any length, as part of a line; all of it stands in the records. */
function glimpse(text: string): string {
  return printable(shortened(text));
}

/** Its words, where they say more than the error does. */
function verdictOf({ verdict, words }: Certificate, error: string): string {
  return words.endsWith(error) ? verdict : glimpse(words);
}

function describeFailures(outcome: Outcome): string[] {
  const { directory, manifest, states } = outcome;
  const failed = failedPoints(directory, manifest, states);
  if (failed.length === 0) return [];
  const records = recordsOfFailed(directory, manifest, failed.slice(0, MOST_FAILURES));
  const shown = records.map(({ index, parameters, error, certificate }) => {
    // What a signal often means is not said where it is known that it doesn't.
    const isKnown = certificate?.verdict === 'node';
    const line = isKnown ? errorLine(error).replace(OFTEN_MEMORY, '') : errorLine(error);
    const verdict = certificate === undefined ? '' : ` [${verdictOf(certificate, line)}]`;
    return `  point ${String(index)} ${describeParameters(parameters)}: ${glimpse(line)}${verdict}`;
  });
  return [
    `${count(failed.length, 'point')} failed (all of them in ${failuresOf(outcome)}):`,
    ...shown,
    ...describeNan(outcome),
    ...describeRetry(outcome),
  ];
}

function describeRetry(outcome: Outcome): string[] {
  if (isCutRetry(outcome)) return [];
  // What is missing of their tasks is computed with them.
  const what = outcome.states.every(isOver) ? 'them alone' : 'them, and compute what is missing,';
  return [`Retry ${what} with: ${commandFor('retry', outcome.directory)}`];
}

/** Where the records of failed points are: elements of a batch job have their own. */
function failuresOf({ directory, manifest }: Outcome): string {
  const paths = runPaths(directory, manifest.spec.format);
  const isOfElements = !existsSync(paths.failures) && existsSync(paths.elements);
  return isOfElements ? `${shortPath(paths.elements)}/*/failures.jsonl` : shortPath(paths.failures);
}

/** What became of the result of a run with failed points. */
function describeNan({ status, result, manifest }: Outcome): string[] {
  if (manifest.limits.onError !== 'nan') return [];
  if (result !== undefined) return [`${shortPath(result)} holds nan for them.`];
  return status === 'failed'
    ? ['No point has a result, so that its columns are not known, and there is no result file.']
    : [];
}

/** Which limit stopped a run; nothing where its user did, who knows. */
function describeStop({ status, reason, manifest }: Outcome): string[] {
  if (status !== 'stopped' || reason === undefined || reason === 'signal') return [];
  const words = {
    'time-limit': 'Stopped by --time-limit',
    request: 'Stopped by fanfold stop',
    'on-error': 'Stopped by --on-error stop, because a point failed',
    'max-failures': `Stopped by --max-failures, because more than ${describeMost(manifest)} failed`,
  };
  return [words[reason]];
}

function describeMost({ limits }: Manifest): string {
  const { maxFailures } = limits;
  if (maxFailures === undefined) return 'allowed';
  return 'points' in maxFailures
    ? count(maxFailures.points, 'point')
    : `${String(maxFailures.percent)} % of the points`;
}

/** True of a retry that was stopped before it came to all failed points, where nothing else is left to do. */
function isCutRetry({ status, states }: Outcome): boolean {
  return status === 'stopped' && states.every(isOver) && states.some(({ failed }) => failed > 0);
}

function describeRest(outcome: Outcome): string[] {
  const { directory, manifest, states } = outcome;
  if (isCutRetry(outcome))
    return [
      `Not all of them were computed again; what is done is kept. Go on with: ${commandFor('retry', directory)}`,
    ];
  const missing = manifest.points - states.reduce((sum, { lines }) => sum + lines, 0);
  const open = states.filter((state) => !isOver(state)).length;
  if (open === 0) return [];
  const rest =
    missing === 0 ? `${count(open, 'task file')} to be put in place` : `${count(missing, 'point')} to go`;
  return [`${rest}; what is done is kept. Go on with: ${commandFor('resume', directory)}`];
}

function describeParameters(parameters: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(parameters).map(
    ([name, value]) => `${name}=${printable(String(value)).replaceAll('\n', '\\n').slice(0, 40)}`,
  );
  return `(${pairs.join(', ')})`;
}

import { hostname } from 'node:os';
import type { Verification } from '../sweep/verify.js';
import { commandFor, shortPath } from './command-line.js';
import { count, thousands } from './duration.js';

const MOST_PROBLEMS = 100;

/** A check of a run's files in a few lines for a person, one for each problem. */
export function describeVerification(found: Verification): string {
  const { directory, manifest, lines: done, failed, problems, running, wasComplete } = found;
  const lines = problems
    .slice(0, MOST_PROBLEMS)
    .map(({ file, kind, text }) => `${kind.padEnd(9)}  ${file}: ${text}`);
  if (problems.length > MOST_PROBLEMS)
    lines.push(`and ${count(problems.length - MOST_PROBLEMS, 'more problem')}`);
  if (running !== undefined) {
    const where = running.host === hostname() ? 'this host' : running.host;
    lines.push(
      `Process ${String(running.pid)} on ${where} is at work on this run: what it writes just now may look damaged.`,
    );
  }
  const verdict =
    problems.length === 0
      ? `all well: ${describeFiles(found)}`
      : `${count(problems.length, 'problem')}. Mend with: ${commandFor('verify', directory)} --repair`;
  lines.push(`${shortPath(directory)}: ${verdict}`);
  if (problems.length > 0 || running !== undefined) return lines.join('\n');
  if (!wasComplete) lines.push(`Go on with: ${commandFor('resume', directory)}`);
  else if (failed > 0 && done === manifest.points)
    lines.push(`Retry the failed points with: ${commandFor('retry', directory)}`);
  return lines.join('\n');
}

/** The same as JSON. */
export function verificationJson({ directory, manifest, running, ...found }: Verification): string {
  const { complete, lines, failed, problems } = found;
  const { hash, points, tasks, proof } = manifest;
  return JSON.stringify(
    {
      directory,
      hash,
      isWell: problems.length === 0,
      ...(running === undefined ? {} : { running }),
      points: { total: points, lines, failed },
      tasks: { total: tasks, complete },
      ...(proof === undefined ? {} : { result: proof.result, failed: proof.failed, nan: proof.nan }),
      problems,
    },
    undefined,
    2,
  );
}

// --- internal ---

function describeFiles({ manifest, complete, lines, failed: open }: Verification): string {
  const { points, tasks, proof } = manifest;
  const done = `${String(complete)} of ${count(tasks, 'task file')}, ${thousands(lines)} of ${count(points, 'point')}`;
  if (proof === undefined || lines < points)
    return open === 0 ? done : `${done}, of which ${count(open, 'point')} failed`;
  const { failed, nan, result } = proof;
  const marked = [
    ...(failed.count > 0 ? [`${count(failed.count, 'point')} failed (${failed.ranges})`] : []),
    ...(nan.count > 0 ? [`${count(nan.count, 'point')} nan (${nan.ranges})`] : []),
  ];
  return [done, `each once in the result of ${thousands(result.bytes)} bytes`, ...marked].join(', ');
}

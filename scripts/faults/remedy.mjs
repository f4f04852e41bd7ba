import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listOf } from './points.mjs';
import { Loss } from './session.mjs';

/** What a user does who reads the message of an error: each gives the arguments of the next command, if it is another. */
const REMEDIES = {
  FANFOLD_LOCKED: () => undefined,
  FANFOLD_INCOMPLETE: (run) => ['resume', run.out],
  FANFOLD_IO: () => undefined,
  FANFOLD_HOST: () => undefined,
  FANFOLD_STOPPED: () => undefined,
  FANFOLD_MANIFEST: beginAnew,
  FANFOLD_OUT: beginAnew,
  FANFOLD_OTHER_SPEC: beginAnew,
  FANFOLD_CHANGED_WORKER: beginAnew,
  FANFOLD_COLUMNS: beginAnew,
  FANFOLD_DAMAGED: removeNamed,
};
const STOPPED = [129, 130, 143];

/**
 * Reads how a session ended as a user would.
 * @returns `isComplete`, or what to do next: `next`, the arguments of another command than the same one again, and
 *   `isAdvised` where an error's message asked for it
 * @throws Loss at an end that no user can make anything of
 */
export function readEnd(run, { code, signal, stderr, args }) {
  const tell = (what) =>
    new Loss(`${what}: fanfold ${args.join(' ')} ended with ${signal ?? code}:\n${stderr}`);
  if (/internal error|\n\s+at .*:\d+:\d+|Traceback \(most recent|^node:/m.test(stderr)) throw tell('a stack');
  if (signal !== null) return { isAdvised: false };
  if (code === 0) return { isComplete: true };
  if (STOPPED.includes(code)) return { isAdvised: false };
  const codes = [...stderr.matchAll(/\[(FANFOLD_\w+)\]/g)].map(([, name]) => name);
  const known = codes.find((name) => REMEDIES[name] !== undefined);
  if (known !== undefined && (code === 1 || code === 2)) {
    if (!run.mayFail.has(known)) throw tell(`an error that the faults don't explain`);
    return { isAdvised: true, next: REMEDIES[known](run, stderr) };
  }
  if (code === 1 && stderr.includes('fanfold retry')) {
    writeFileSync(run.mended, '');
    return { isAdvised: !run.sweep.isFlaky, next: ['retry', run.out] };
  }
  throw tell('no clear error');
}

// --- internal ---

function beginAnew(run) {
  return [...run.command.slice(0, 1), '--force', ...run.command.slice(1)];
}

/** "Expected PATH to … Restore it, or remove it and resume." Of the points, the run's own command makes them anew. */
function removeNamed(run, stderr) {
  const message = stderr.split('\n').find((line) => line.includes('[FANFOLD_DAMAGED]')) ?? '';
  if (message.includes('points.json')) return run.command;
  const isAny = message.includes('Remove any one task file');
  const name = isAny ? listOf(run.out).find((file) => /^task_index=\d+\.\w+$/.test(file)) : undefined;
  const path = isAny ? join(run.out, name ?? '') : (/(\/\S+)/.exec(message)?.[1] ?? '');
  if (!path.startsWith(`${run.out}/`)) throw new Loss(`no file is named in: ${stderr}`);
  rmSync(path, { force: true });
  return ['resume', run.out];
}

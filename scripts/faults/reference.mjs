import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Loss, runSession } from './session.mjs';
import { runArguments } from './sweeps.mjs';

/**
 * The bytes of undisturbed runs, each made once: without a pace, in another number of tasks and processes.
 * @returns a function that gives those of a sweep in a format
 */
export function references(folder, models) {
  const known = new Map();
  return (sweep, format) => {
    const key = `${sweep.name}, ${format}`;
    if (!known.has(key))
      known.set(key, makeReference({ sweep, format, folder, models }, `reference-${String(known.size)}`));
    return known.get(key);
  };
}

// --- internal ---

async function makeReference({ sweep, format, folder, models }, name) {
  const out = join(folder, name);
  const args = runArguments(sweep, { models, out, format, tasks: 2, jobs: 1 });
  const env = { FAULTS_MENDED: folder };
  const id = `${name}-${String(process.pid)}`;
  const end = await runSession(args, { id, log: join(folder, `${name}-log`), cwd: folder, env });
  if (end.code !== 0) throw new Loss(`an undisturbed run failed:\n${end.stderr}`);
  return readFileSync(join(out, `result.${format}`));
}

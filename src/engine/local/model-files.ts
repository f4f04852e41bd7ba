import { FanfoldError } from '../../errors.js';
import { changedFiles, type FileHashes } from '../../run/file-hashes.js';
import type { RunPaths } from '../../run/paths.js';
import type { Session } from './session.js';

/**
 * A model is imported again by each process that is not a fork: by then it may have been edited.
 * @throws FanfoldError naming the files that were
 */
export function checkFiles(now: FileHashes | undefined, { files, paths }: Session): void {
  if (now === undefined || files === undefined) return;
  // What it imports only while it computes is not known yet.
  const known = Object.fromEntries(Object.entries(files).filter(([path]) => path in now));
  refuseChanged(changedFiles(known, now), paths);
}

/**
 * Files that a model imports while it computes are held against the manifest, or added to it.
 * @throws FanfoldError naming those that were changed
 */
export function learnFiles(now: FileHashes | undefined, session: Session): void {
  const { files, paths } = session;
  if (now === undefined || files === undefined) return;
  const found = Object.entries(now);
  refuseChanged(
    found.filter(([path, hash]) => path in files && files[path] !== hash).map(([path]) => path),
    paths,
  );
  const added = Object.fromEntries(found.filter(([path]) => !(path in files)));
  if (Object.keys(added).length === 0) return;
  session.files = { ...files, ...added };
  session.learn(added);
}

// --- internal ---

function refuseChanged(changed: readonly string[], paths: RunPaths): void {
  if (changed.length === 0) return;
  throw new FanfoldError(
    'FANFOLD_CHANGED_WORKER',
    `Expected the worker that ${paths.directory} was begun with, but it was changed while the run went on: ${changed.join(', ')}. What was finished is kept. Put the old one back and resume, or start anew with fanfold run --force or another --out.`,
    { exitCode: 1 },
  );
}

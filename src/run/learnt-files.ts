import { listElements } from './elements.js';
import type { FileHashes } from './file-hashes.js';
import type { Manifest } from './manifest.js';
import type { RunPaths } from './paths.js';
import { readEvents } from './records.js';

// A model may import a file only while it computes. The manifest is the coordinator's to write, so an element of a batch job
// records in its own journal what it has learnt so.

/** In place of the hash of a file of which elements found several versions: no file has it. */
const MIXED = 'mixed';

/**
 * The manifest with what elements have learnt of the worker's files since it was written.
 * @param paths of the whole run, or of one element, which knows of no other
 */
export function withLearntFiles(paths: RunPaths, manifest: Manifest): Manifest {
  const { worker } = manifest;
  // Other workers are known whole before they compute.
  if (worker.interpreter === undefined || listElements(paths).length === 0) return manifest;
  const learnt: Record<string, string> = {};
  for (const event of readEvents(paths)) {
    if (event.event !== 'learn') continue;
    for (const [name, hash] of Object.entries(event.files))
      learnt[name] = (learnt[name] ?? hash) === hash ? hash : MIXED;
  }
  // What the manifest has is settled, also where it says otherwise: a changed worker was allowed then.
  return { ...manifest, worker: { ...worker, files: { ...learnt, ...worker.files } } };
}

/** The files of which several versions have computed. */
export function mixedFiles(files: FileHashes): string[] {
  return Object.keys(files).filter((name) => files[name] === MIXED);
}

import { existsSync, statSync } from 'node:fs';
import type { Manifest } from './run/manifest.js';
import { runPaths } from './run/paths.js';
import { isRecorded } from './run/proof.js';

/**
 * How the result file stands: `folded`, byte for byte as the proof has it; `open`, to be made for the first time or with
 * another header; `missing` or `damaged`, to be made anew.
 * @param beat called again and again while it is read
 */
export function stateOfResult(
  directory: string,
  manifest: Manifest,
  beat?: () => void,
): 'folded' | 'open' | 'missing' | 'damaged' {
  const { proof, header } = manifest;
  if (proof === undefined || header !== (proof.result.header !== '')) return 'open';
  const { result } = runPaths(directory, manifest.spec.format);
  if (!existsSync(result)) return 'missing';
  return isRecorded(result, proof.result, beat) ? 'folded' : 'damaged';
}

/**
 * True where the result file is there as the fold made it, with the header that is wanted now: for reports, which do not read
 * it where its length is right and it was not written to since the manifest was, as the fold does after it.
 */
export function isFolded(directory: string, manifest: Manifest): boolean {
  const { proof, header } = manifest;
  if (proof === undefined || header !== (proof.result.header !== '')) return false;
  const paths = runPaths(directory, manifest.spec.format);
  const [result, written] = [paths.result, paths.manifest].map((path) =>
    statSync(path, { throwIfNoEntry: false }),
  );
  if (result?.size !== proof.result.bytes) return false;
  const isTouched = written === undefined || result.mtimeMs > written.mtimeMs;
  return !isTouched || isRecorded(paths.result, proof.result);
}

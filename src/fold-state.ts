import { existsSync } from 'node:fs';
import type { Manifest } from './run/manifest.js';
import { runPaths } from './run/paths.js';
import { isRecorded } from './run/proof.js';

/**
 * How the result file stands: `folded`, byte for byte as the proof has it; `open`, to be made for the first time or with
 * another header; `missing` or `damaged`, to be made anew.
 */
export function stateOfResult(
  directory: string,
  manifest: Manifest,
): 'folded' | 'open' | 'missing' | 'damaged' {
  const { proof, header } = manifest;
  if (proof === undefined || header !== (proof.result.header !== '')) return 'open';
  const { result } = runPaths(directory, manifest.spec.format);
  if (!existsSync(result)) return 'missing';
  return isRecorded(result, proof.result) ? 'folded' : 'damaged';
}

/** True where the result file is there, byte for byte as the fold made it, with the header that is wanted now. */
export function isFolded(directory: string, manifest: Manifest): boolean {
  return stateOfResult(directory, manifest) === 'folded';
}

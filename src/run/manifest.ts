import { readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { FanfoldError, systemCode } from '../errors.js';
import { writeFileAtomic } from './atomic-file.js';
import { isNewer, manifestText, parseStored, type Manifest, type Stored } from './manifest-text.js';
import { MANIFEST_VERSION, runPaths, type RunPaths } from './paths.js';
import { specHash } from './spec.js';

export type { Manifest } from './manifest-text.js';

/** Writes the manifest and its copy. After a power cut between the two they differ, and the first one counts. */
export function writeManifest(paths: RunPaths, manifest: Manifest): void {
  const text = manifestText(manifest);
  writeFileAtomic(paths.manifest, text);
  writeFileAtomic(paths.manifestCopy, text, { isDurable: false });
}

/**
 * The manifest of a run directory, or undefined where there is none. Where `sweep.json` is damaged or lost, it is read
 * from its copy.
 * @param path of `sweep.json`
 * @param onDamage called with what is wrong, where the copy was read
 * @throws FanfoldError where both are damaged, or it is of a newer version
 */
export async function readManifest(
  path: string,
  onDamage: (message: string) => void = () => undefined,
): Promise<Manifest | undefined> {
  const { manifestCopy } = runPaths(dirname(path));
  const { raw, reason } = readStored(path);
  if (raw !== undefined) return parseManifest(raw, path);
  const copy = readStored(manifestCopy);
  if (copy.raw !== undefined) {
    onDamage(
      `${path} is damaged (${reason ?? 'it is not there'}); its copy ${basename(manifestCopy)} is read instead.`,
    );
    return parseManifest(copy.raw, manifestCopy);
  }
  if (reason === undefined && copy.reason === undefined) return undefined;
  throw new DamagedManifestError(path, reason ?? 'it is not there');
}

/** A manifest that can't be read, nor its copy, or that is not as it was written. */
export class DamagedManifestError extends FanfoldError {
  constructor(path: string, reason: string) {
    super(
      'FANFOLD_MANIFEST',
      `Expected ${path} to be a manifest of fanfold, got a damaged file (${reason}), and ${basename(runPaths(dirname(path)).manifestCopy)} can't replace it. Restore it, or start anew with fanfold run --force or another --out.`,
    );
  }
}

/** False where `mendManifest` would put it back from its copy, or could not. */
export function isManifestWhole({ manifest, manifestCopy }: RunPaths): boolean {
  const { text, reason } = readStored(manifest);
  return text !== undefined || (reason === undefined && readStored(manifestCopy).text === undefined);
}

/** Puts a damaged or lost manifest back from its copy, and the copy from the manifest; only under the run's lock. */
export function mendManifest({ manifest, manifestCopy }: RunPaths): void {
  const [first, copy] = [readStored(manifest), readStored(manifestCopy)];
  if (first.text !== undefined) {
    if (copy.text !== first.text) writeFileAtomic(manifestCopy, first.text);
  } else if (copy.text !== undefined) {
    writeFileAtomic(manifest, copy.text);
  }
}

// --- internal ---

/** A file whose checksum holds; no reason where there is no file. */
function readStored(path: string): Stored | { raw?: undefined; text?: undefined; reason?: string } {
  try {
    return parseStored(readFileSync(path));
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    return code === 'ENOENT' || code === 'ENOTDIR' ? {} : { reason: `it can't be read: ${code}` };
  }
}

async function parseManifest(raw: object, path: string): Promise<Manifest> {
  refuseNewer(raw, path);
  const { StoredManifest } = await import('./manifest-schema.js');
  const parsed = StoredManifest.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const keys = issue?.code === 'unrecognized_keys' ? issue.keys : [];
    throw new DamagedManifestError(
      path,
      `${[...(issue?.path ?? []), ...keys].join('.')}: ${issue?.message ?? 'unknown'}`,
    );
  }
  const manifest: Manifest = parsed.data;
  if (specHash(manifest.spec) !== manifest.hash)
    throw new DamagedManifestError(path, 'the spec does not match its hash');
  return manifest;
}

function refuseNewer(raw: object, path: string): void {
  if (!isNewer(raw)) return;
  throw new FanfoldError(
    'FANFOLD_MANIFEST',
    `Expected ${path} to be of version ${String(MANIFEST_VERSION)}, got version ${String((raw as { version: unknown }).version)}: a newer fanfold wrote it. Update fanfold, or name another directory with --out.`,
  );
}

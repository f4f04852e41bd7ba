import { readFileSync } from 'node:fs';
import type * as z from 'zod/mini';
import { FanfoldError, messageOf, systemCode } from '../errors.js';
import { writeFileAtomic } from './atomic-file.js';
import type { RunPaths } from './paths.js';
import type { StoredManifest } from './manifest-schema.js';
import { specHash, type SweepSpec } from './spec.js';

/** `sweep.json`: what a run is, and which files it consists of. */
export type Manifest = Omit<z.infer<typeof StoredManifest>, 'spec'> & { readonly spec: SweepSpec };

export function writeManifest(paths: RunPaths, manifest: Manifest): void {
  writeFileAtomic(paths.manifest, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/**
 * The manifest of a run directory, or undefined where there is none.
 * @throws FanfoldError where it is damaged or of a newer version
 */
export async function readManifest(path: string): Promise<Manifest | undefined> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === undefined) throw error;
    throw damaged(path, `it can't be read: ${code}`);
  }
  const raw = parseJson(text, path);
  const { MANIFEST_VERSION, StoredManifest } = await import('./manifest-schema.js');
  refuseNewer(raw, path, MANIFEST_VERSION);
  const parsed = StoredManifest.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const keys = issue?.code === 'unrecognized_keys' ? issue.keys : [];
    throw damaged(path, `${[...(issue?.path ?? []), ...keys].join('.')}: ${issue?.message ?? 'unknown'}`);
  }
  const manifest: Manifest = parsed.data;
  if (specHash(manifest.spec) !== manifest.hash) throw damaged(path, 'the spec does not match its hash');
  return manifest;
}

// --- internal ---

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw damaged(path, messageOf(error));
  }
}

function refuseNewer(raw: unknown, path: string, newest: number): void {
  if (typeof raw !== 'object' || raw === null || !('version' in raw)) return;
  if (typeof raw.version === 'number' && raw.version > newest) {
    throw new FanfoldError(
      'FANFOLD_MANIFEST',
      `Expected ${path} to be of version ${String(newest)}, got version ${String(raw.version)}: a newer fanfold wrote it. Update fanfold, or name another directory with --out.`,
    );
  }
}

function damaged(path: string, reason: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_MANIFEST',
    `Expected ${path} to be a manifest of fanfold, got a damaged file (${reason}). Restore it, or start anew with --force or another --out.`,
  );
}

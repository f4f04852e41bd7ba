import type * as z from 'zod/mini';
import { messageOf } from '../errors.js';
import { sha256 } from '../sha256.js';
import type { StoredManifest } from './manifest-schema.js';
import { MANIFEST_VERSION } from './paths.js';
import type { Proof } from './proof.js';
import { canonicalJson, type SweepSpec } from './spec.js';

/** `sweep.json`: what a run is, and which files it consists of. */
export type Manifest = Omit<z.infer<typeof StoredManifest>, 'spec'> & { readonly spec: SweepSpec };

/** The bytes of a manifest: JSON with a checksum of everything else in it, and a line for each task of the proof. */
export function manifestText(manifest: Manifest): string {
  const stored = JSON.parse(JSON.stringify(manifest)) as Manifest;
  const { version, proof, ...rest } = stored;
  const text = JSON.stringify({ version, checksum: checksumOf(stored), ...rest }, undefined, 2);
  return proof === undefined ? `${text}\n` : `${text.slice(0, -2)},\n  "proof": ${proofText(proof)}\n}\n`;
}

/** What is stored, without its checksum, and the text that it stands in; or why it can't be relied on. */
export type Stored =
  | { readonly raw: object; readonly text: string; readonly reason?: undefined }
  | { readonly raw?: undefined; readonly text?: undefined; readonly reason: string };

/** Holds the bytes of a manifest against their checksum. Those of a newer version, whose rules are not known, are taken as they are. */
export function parseStored(bytes: Buffer): Stored {
  const text = bytes.toString('utf8');
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    return { reason: messageOf(error) };
  }
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return { reason: 'it is no object' };
  const { checksum, ...rest } = raw as Record<string, unknown>;
  if (checksum === undefined && isNewer(rest)) return { raw: rest, text };
  if (!text.endsWith('\n')) return { reason: 'its last line is cut' };
  if (checksum === checksumOf(rest)) return { raw: rest, text };
  return {
    reason: `its checksum is ${checksum === undefined ? 'missing' : 'wrong'}: it was damaged, or edited by hand`,
  };
}

/** True for what a newer version wrote. */
export function isNewer(stored: object): boolean {
  return 'version' in stored && typeof stored.version === 'number' && stored.version > MANIFEST_VERSION;
}

// --- internal ---

function checksumOf(stored: object): string {
  return sha256(canonicalJson(stored));
}

/** One line for each task, so that ten thousand of them can be looked through. */
function proofText({ tasks, ...rest }: Proof): string {
  const rows = tasks.map((task) => `      ${JSON.stringify(task)}`);
  const head = JSON.stringify(rest, undefined, 2).replaceAll('\n', '\n  ').slice(0, -4);
  return `${head},\n    "tasks": [\n${rows.join(',\n')}\n    ]\n  }`;
}

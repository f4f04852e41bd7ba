import { basename } from 'node:path';
import type * as z from 'zod/mini';
import { sha256 } from '../sha256.js';
import type { SpaceDefinition } from '../space/definition.js';
import type { StoredCommand, StoredSpec } from './manifest-schema.js';

/** What fixes every byte of a run's files. Its hash names the run. */
export type SweepSpec = z.infer<typeof StoredSpec> & { readonly space: SpaceDefinition };

/** A command as a spec stores it. */
export type CommandSpec = z.infer<typeof StoredCommand>;

/** What a run of the worker is called: `double.ts`, or `ising` for the command `./ising {T}`. */
export function workerLabel(worker: SweepSpec['worker']): string {
  if ('file' in worker) return worker.file;
  return basename((worker.shell ? firstWord(worker.command[0]) : worker.command[0]) ?? '');
}

/** The sha256 of a spec, its keys in order. */
export function specHash(spec: SweepSpec): string {
  return sha256(canonicalJson(spec));
}

/** As much of a hash as people are shown: eight hexadecimal digits. */
export function shortHash(hash: string): string {
  return hash.slice(0, 8);
}

/** JSON with sorted keys and no blanks: one text for one value, so that it can be hashed. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

// --- internal ---

function firstWord(line = ''): string {
  return line.trim().split(/\s+/)[0] ?? '';
}

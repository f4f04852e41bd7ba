import { basename } from 'node:path';
import * as z from 'zod/mini';
import { sha256 } from '../sha256.js';
import type { SpaceDefinition } from '../space/definition.js';

// --- the parts of a spec, as stored in sweep.json ---

const storedNumber = z.union([z.number(), z.string()]);
const axisDtype = z.enum(['int64', 'float64', 'bool', 'string']);

const valuesDefinition = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('arange'),
    dtype: z.enum(['int64', 'float64']),
    start: storedNumber,
    stop: storedNumber,
    step: storedNumber,
  }),
  z.strictObject({
    kind: z.enum(['linspace', 'logspace', 'geomspace']),
    start: storedNumber,
    stop: storedNumber,
    num: z.int().check(z.positive()),
  }),
  z.strictObject({
    kind: z.literal('list'),
    dtype: axisDtype,
    values: z.array(z.union([z.number(), z.string(), z.boolean(), z.null()])),
  }),
  z.strictObject({
    kind: z.literal('column'),
    dtype: axisDtype,
    size: z.int().check(z.positive()),
    sha256: z.string(),
  }),
]);

/** A module: file name and export, without its folder, so that a project can move. */
const moduleWorker = z.strictObject({ file: z.string(), export: z.string() });

const commandWorker = z.strictObject({
  /** The program and its arguments, with placeholders; a shell's line alone where `shell` is set. */
  command: z.array(z.string()).check(z.minLength(1)),
  /** The program stays alive and is asked for one point after another. */
  stream: z.boolean(),
  shell: z.boolean(),
  /** The point stands as JSON on the command's standard input. */
  stdin: z.boolean(),
  /** What of the command's doings is the result, as `--result` has it. */
  result: z.string(),
  columns: z.optional(
    z.array(
      z.strictObject({
        name: z.string(),
        dtype: z.exactOptional(z.enum(['int64', 'float64', 'complex128', 'bool', 'string'])),
      }),
    ),
  ),
});

/** What fixes every byte of a run's files. Its hash names the run. */
export const SweepSpec = z.strictObject({
  worker: z.union([moduleWorker, commandWorker]),
  space: z.strictObject({
    groups: z.array(z.array(z.strictObject({ name: z.string(), values: valuesDefinition }))),
  }),
  /** Fixed keyword arguments, each as values of length one. */
  fixed: z.array(z.strictObject({ name: z.string(), values: valuesDefinition })),
  /** An unsigned 64-bit integer in decimal. */
  seed: z.string().check(z.regex(/^\d{1,20}$/)),
  slicing: z.enum(['guan', 'balanced']),
  /** The number of tasks that was asked for; `auto` where it follows from the job slots. */
  tasks: z.union([z.int().check(z.positive()), z.literal('auto')]),
  format: z.enum(['txt', 'csv', 'jsonl']),
});

export type SweepSpec = z.infer<typeof SweepSpec> & { readonly space: SpaceDefinition };

/** A command as a spec stores it. */
export type CommandSpec = z.infer<typeof commandWorker>;

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

// --- internal ---

function firstWord(line = ''): string {
  return line.trim().split(/\s+/)[0] ?? '';
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

import { readFileSync } from 'node:fs';
import * as z from 'zod/mini';
import { FanfoldError, systemCode } from '../errors.js';
import { writeFileAtomic } from './atomic-file.js';
import type { RunPaths } from './paths.js';
import { SweepSpec, specHash } from './spec.js';

/** The newest layout of the run directory that this program knows. */
const MANIFEST_VERSION = 1;

/** `sweep.json`: what a run is, and which files it consists of. */
const Manifest = z.strictObject({
  version: z.literal(MANIFEST_VERSION),
  spec: SweepSpec,
  hash: z.string(),
  points: z.int().check(z.nonnegative()),
  /** Number of task files, `task_index=0` to `task_index=count-1`; with `points` it gives each one's lines. */
  tasks: z.int().check(z.positive()),
  /** The type of whole JavaScript numbers in result columns that have no declared type. */
  wholeNumbers: z.enum(['int64', 'float64']),
  columns: z.optional(
    z.record(z.string(), z.nullable(z.enum(['int64', 'float64', 'complex128', 'bool', 'string']))),
  ),
  header: z.boolean(),
  worker: z.strictObject({
    /** Of the module, or the command's program; relative to the run directory, or absolute. */
    path: z.string(),
    /**
     * sha256 of the worker's file and of every file of the user's that it imports, by path relative to the worker; of a
     * command's program and the files that its arguments name.
     */
    files: z.record(z.string(), z.string()),
    /** sha256 of the run's own copy, `worker.mjs`; a command has none. */
    module: z.optional(z.string()),
    /** Where a command runs, relative to the run directory. */
    folder: z.optional(z.string()),
  }),
  /** Versions of the worker that computed some of the points, where the user allowed a change. */
  earlierWorkers: z.optional(
    z.array(z.strictObject({ files: z.record(z.string(), z.string()), until: z.string() })),
  ),
  pointsFile: z.optional(z.string()),
  versions: z.strictObject({ fanfold: z.string(), node: z.string() }),
  commit: z.optional(z.string()),
  host: z.string(),
  created: z.string(),
});

export type Manifest = Omit<z.infer<typeof Manifest>, 'spec'> & { readonly spec: SweepSpec };

export function writeManifest(paths: RunPaths, manifest: Manifest): void {
  writeFileAtomic(paths.manifest, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

/**
 * The manifest of a run directory, or undefined where there is none.
 * @throws FanfoldError where it is damaged or of a newer version
 */
export function readManifest(path: string): Manifest | undefined {
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
  refuseNewer(raw, path);
  const parsed = Manifest.safeParse(raw);
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
    throw damaged(path, error instanceof Error ? error.message : String(error));
  }
}

function refuseNewer(raw: unknown, path: string): void {
  if (typeof raw !== 'object' || raw === null || !('version' in raw)) return;
  if (typeof raw.version === 'number' && raw.version > MANIFEST_VERSION) {
    throw new FanfoldError(
      'FANFOLD_MANIFEST',
      `Expected ${path} to be of version ${String(MANIFEST_VERSION)}, got version ${String(raw.version)}: a newer fanfold wrote it. Update fanfold, or name another directory with --out.`,
    );
  }
}

function damaged(path: string, reason: string): FanfoldError {
  return new FanfoldError(
    'FANFOLD_MANIFEST',
    `Expected ${path} to be a manifest of fanfold, got a damaged file (${reason}). Restore it, or start anew with --force or another --out.`,
  );
}

import * as z from 'zod/mini';
import { MANIFEST_VERSION } from './paths.js';

// The form of `sweep.json`. Apart from its readers, and only loaded by them: a run that begins has none to read, and
// zod takes longer to load than everything else that such a run needs.

// --- the parts of a spec, as stored in sweep.json ---

const dtype = z.enum(['int64', 'float64', 'complex128', 'bool', 'string']);
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

/** A command. */
export const StoredCommand = z.strictObject({
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
        dtype: z.exactOptional(dtype),
      }),
    ),
  ),
});

/** What fixes every byte of a run's files. */
export const StoredSpec = z.strictObject({
  worker: z.union([moduleWorker, StoredCommand]),
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

/** What points and processes may take, as `limits.ts` says of each. */
const StoredLimits = z.strictObject({
  timeoutMs: z.exactOptional(z.number().check(z.positive())),
  retries: z.int().check(z.nonnegative()),
  retryDelayMs: z.number().check(z.nonnegative()),
  maxMemoryBytes: z.exactOptional(z.int().check(z.positive())),
  maxFailures: z.exactOptional(
    z.union([
      z.strictObject({ points: z.int().check(z.nonnegative()) }),
      z.strictObject({ percent: z.number().check(z.nonnegative()) }),
    ]),
  ),
  onError: z.enum(['stop', 'continue', 'nan']),
});

const count = z.int().check(z.nonnegative());

/** The first bytes of a file, or all of them, and their sha256. */
export const StoredPiece = z.strictObject({ bytes: count, sha256: z.string() });

/** How long a file is, and its sha256. */
export const StoredFile = z.strictObject({ lines: count, ...StoredPiece.shape });

const indexRanges = z.strictObject({ count, ranges: z.string(), isCut: z.optional(z.boolean()) });

/** What the fold has checked. */
export const StoredProof = z.strictObject({
  /** The points' indices, `0-16`: each of them stands in the result exactly once, in order. */
  indices: z.string(),
  /** Of the result, its header counted. */
  result: z.strictObject({ header: z.string(), ...StoredFile.shape }),
  /** Points that failed, whose rows are nan. */
  failed: indexRanges,
  /** Points with a nan in a result column. */
  nan: indexRanges,
  /** The columns of the results; a run without a point has none. */
  layout: z.optional(
    z.strictObject({
      kind: z.enum(['scalar', 'vector', 'record']),
      columns: z.array(z.strictObject({ name: z.string(), dtype: z.exactOptional(dtype) })),
    }),
  ),
  /** What the journals held; later records stand behind it. */
  journals: z.strictObject({ events: StoredPiece, failures: StoredPiece }),
  /** Every task's points `[start, stop)` and its piece of the result, which is its file unless that was filled with nan. */
  tasks: z.array(
    z.strictObject({
      start: count,
      stop: count,
      ...StoredFile.shape,
      isFilled: z.exactOptional(z.boolean()),
    }),
  ),
});

const versions = { fanfold: z.string(), node: z.string(), python: z.optional(z.string()) };

/** `sweep.json`: what a run is, and which files it consists of. */
export const StoredManifest = z.strictObject({
  version: z.literal(MANIFEST_VERSION),
  spec: StoredSpec,
  hash: z.string(),
  points: z.int().check(z.nonnegative()),
  /** Number of task files, `task_index=0` to `task_index=count-1`; with `points` it gives each one's lines. */
  tasks: z.int().check(z.positive()),
  /** The type of whole JavaScript numbers in result columns that have no declared type. */
  wholeNumbers: z.enum(['int64', 'float64']),
  columns: z.optional(z.record(z.string(), z.nullable(dtype))),
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
    /** Absolute path of a Python worker's interpreter. */
    interpreter: z.optional(z.string()),
    startMethod: z.optional(z.enum(['fork', 'spawn'])),
    /** Where a command runs, relative to the run directory. */
    folder: z.optional(z.string()),
    /** Whether its points' own folders are left where they are. */
    keepScratch: z.optional(z.boolean()),
  }),
  /** Versions of the worker that computed some of the points, where the user allowed a change. */
  earlierWorkers: z.optional(
    z.array(z.strictObject({ files: z.record(z.string(), z.string()), until: z.string() })),
  ),
  limits: StoredLimits,
  /** Tasks of an element of a batch job; the elements' journals go by it, so it stays. */
  pack: z.optional(z.int().check(z.positive())),
  /** How the run was last submitted to Slurm. */
  slurm: z.optional(
    z.strictObject({
      options: z.record(z.string(), z.string()),
      maxRunning: z.exactOptional(z.int().check(z.positive())),
      setup: z.exactOptional(z.string()),
    }),
  ),
  pointsFile: z.optional(z.string()),
  versions: z.strictObject(versions),
  /** Versions that computed some of the points before these. */
  earlierVersions: z.optional(z.array(z.strictObject({ ...versions, until: z.string() }))),
  commit: z.optional(z.string()),
  host: z.string(),
  created: z.string(),
  proof: z.optional(StoredProof),
});

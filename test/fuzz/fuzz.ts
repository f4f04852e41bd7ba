import fc from 'fast-check';
import { FanfoldError } from '../../src/errors.js';

// Inputs that are nearly valid, and a way to feed them to a reader: whatever comes, it gives a value or an error that is meant
// for a person, and soon. `FANFOLD_FUZZ=10` feeds ten times as many.

const SCALE = Number(process.env['FANFOLD_FUZZ'] ?? 1);
/** Processor time that one input may take, in ms; the inputs are short. */
const MOST_MS = 1000;

export interface FuzzOptions {
  readonly runs: number;
  /** Errors that the reader's own documentation names, beside FanfoldError. */
  readonly documented?: (error: unknown) => boolean;
}

/** Feeds inputs to a reader; fails where it throws what it must not, or takes long. */
export function feed<T>(inputs: fc.Arbitrary<T>, read: (input: T) => unknown, options: FuzzOptions): void {
  fc.assert(
    fc.property(inputs, (input) => {
      const { user, system } = process.cpuUsage();
      expectDocumented(() => read(input), options);
      const used = process.cpuUsage({ user, system });
      if (used.user + used.system > MOST_MS * 1000) throw new Error('It took too long.');
    }),
    { numRuns: options.runs * SCALE },
  );
}

/** As `feed`, for a reader that gives a promise. */
export async function feedAsync<T>(
  inputs: fc.Arbitrary<T>,
  read: (input: T) => Promise<unknown>,
  { runs, documented = () => false }: FuzzOptions,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(inputs, async (input) => {
      try {
        await read(input);
      } catch (error) {
        if (!(error instanceof FanfoldError) && !documented(error)) throw error;
      }
    }),
    { numRuns: runs * SCALE },
  );
}

/** Valid texts, each changed in up to five places: cut, doubled, moved, or with a piece of a dictionary put in. */
export function mutated(valid: readonly string[], pieces: readonly string[]): fc.Arbitrary<string> {
  const place = fc.nat(1 << 20);
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...pieces, ...ODD) },
    { weight: 1, arbitrary: fc.string({ maxLength: 4, unit: 'binary' }) },
  );
  const edit = fc.record({ kind: fc.nat(4), from: place, length: fc.nat(12), to: place, piece });
  return fc
    .tuple(fc.constantFrom(...valid), fc.array(edit, { maxLength: 5 }))
    .map(([text, edits]) => edits.reduce(apply, text));
}

/** A JSON value with some of its parts replaced, removed or renamed. */
export function mutatedJson(valid: readonly unknown[]): fc.Arbitrary<unknown> {
  const change = fc.record({ at: fc.nat(1 << 20), value: fc.constantFrom<unknown>(...ODD_VALUES) });
  return fc.tuple(fc.constantFrom(...valid), fc.array(change, { maxLength: 3 })).map(([value, changes]) =>
    changes.reduce<unknown>((tree, { at, value: odd }) => {
      const size = countNodes(tree);
      return replaceNode(tree, { left: at % size }, odd);
    }, structuredClone(value)),
  );
}

/** A plain Error or one of these names: what a point fails with. Errors of the language are defects. */
export function isPlain(error: unknown): boolean {
  return error instanceof Error && !['TypeError', 'RangeError', 'ReferenceError'].includes(error.name);
}

// --- internal ---

const ODD = [
  ...[
    '',
    ' ',
    '\n',
    '\r',
    '\t',
    '\0',
    '"',
    "'",
    '\\',
    ',',
    ':',
    ';',
    '=',
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
    '.',
    '-',
    '+',
  ],
  ...[
    '\x1b[31m',
    '\ud800',
    '\u202e',
    '\ufeff',
    '😀',
    '__proto__',
    'constructor',
    '0',
    '1e999',
    '-0',
    'nan',
    'inf',
  ],
  ...['9'.repeat(30), '1'.repeat(400), '('.repeat(50), '['.repeat(200), '{a}'.repeat(30), ' '.repeat(300)],
  ...['9007199254740993', '0x10', '1_0', '1e', 'e5', '.', '1.', 'null', 'true', 'None'],
];

const ODD_VALUES: readonly unknown[] = [
  ...[null, true, 0, -1, 0.5, 1e300, 2 ** 53, '', 'x', '\0', '-0', 'nan', '9'.repeat(40), 'x'.repeat(1000)],
  ...[
    [],
    {},
    [[]],
    [null],
    { a: null },
    JSON.parse('{"__proto__":1}') as unknown,
    { constructor: 1 },
    undefined,
  ],
];

function expectDocumented(read: () => unknown, { documented = () => false }: FuzzOptions): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof FanfoldError) && !documented(error)) throw error;
  }
}

interface Edit {
  readonly kind: number;
  readonly from: number;
  readonly length: number;
  readonly to: number;
  readonly piece: string;
}

function apply(text: string, { kind, from, length, to, piece }: Edit): string {
  const start = from % (text.length + 1);
  const taken = text.slice(start, start + length);
  const rest = text.slice(0, start) + text.slice(start + length);
  switch (kind) {
    case 0:
      return rest;
    case 1:
      return text.slice(0, start) + piece + text.slice(start);
    case 2:
      return text.slice(0, start) + piece + text.slice(start + length);
    case 3:
      return text.slice(0, start) + taken + text.slice(start);
    default: {
      const end = to % (rest.length + 1);
      return rest.slice(0, end) + taken + rest.slice(end);
    }
  }
}

function countNodes(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, item) => sum + countNodes(item), 1);
}

/** Replaces the node with this number, counted as `countNodes` does. */
function replaceNode(value: unknown, counter: { left: number }, odd: unknown): unknown {
  if (counter.left-- === 0) return odd;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => replaceNode(item, counter, odd));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, replaceNode(item, counter, odd)] as const),
  );
}

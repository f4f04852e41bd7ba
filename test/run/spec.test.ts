import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { StoredSpec } from '../../src/run/manifest-schema.js';
import { shortHash, specHash, type SweepSpec } from '../../src/run/spec.js';
import { sampleSpec } from './sample.js';

/** The same data with the keys of every object in another order. */
function shuffled(value: unknown, pick: (count: number) => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, pick));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const moved: [string, unknown][] = [];
  while (entries.length > 0) moved.push(...entries.splice(pick(entries.length), 1));
  return Object.fromEntries(moved.map(([key, item]) => [key, shuffled(item, pick)]));
}

type Path = (string | number)[];

/** The place of every value that is no object or array. */
function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
}

/** A copy with one value changed. */
function changed(spec: SweepSpec, path: Path, change: (value: unknown) => unknown): SweepSpec {
  const copy = structuredClone(spec);
  let holder = copy as unknown as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  holder[last] = change(holder[last]);
  return copy;
}

function other(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return `${value}1`;
  return typeof value === 'boolean' ? !value : 0;
}

describe('the hash of a spec', () => {
  test('is a sha256, shown by eight digits, the same in every run of the program', () => {
    const spec: SweepSpec = {
      worker: { file: 'double.ts', export: 'default' },
      space: {
        groups: [[{ name: 'x', values: { kind: 'arange', dtype: 'int64', start: 0, stop: 17, step: 1 } }]],
      },
      fixed: [],
      seed: '0',
      slicing: 'guan',
      tasks: 4,
      format: 'txt',
    };
    // The sha256 of the spec as JSON with sorted keys and without blanks.
    expect(specHash(spec)).toMatch(/^baf68e83[0-9a-f]{56}$/);
    expect(shortHash(specHash(spec))).toBe('baf68e83');
  });

  test('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (numbers) => {
        const pick = (count: number): number => (numbers.next().value as number) % count;
        const moved = shuffled(sampleSpec(), pick) as SweepSpec;
        expect(specHash(moved)).toBe(specHash(sampleSpec()));
      }),
    );
  });

  test('is another for every value that is changed', () => {
    const spec = sampleSpec();
    const places = leaves(spec);
    const hashes = places.map((path) => specHash(changed(spec, path, other)));
    expect(places.length).toBeGreaterThan(40);
    expect(new Set([specHash(spec), ...hashes]).size).toBe(places.length + 1);
  });

  test('tells numbers from texts of them, and 0 from -0', () => {
    const withSeed = (values: (number | string)[]): string =>
      specHash(changed(sampleSpec(), ['space', 'groups', 3, 0, 'values', 'values'], () => values));
    expect(withSeed([1])).not.toBe(withSeed(['1']));
    expect(withSeed([0])).not.toBe(withSeed(['-0']));
    expect(withSeed([0])).not.toBe(withSeed([-0]));
    expect(withSeed([1, 23])).not.toBe(withSeed([12, 3]));
  });

  test('depends on the order of axes and on which walk together', () => {
    const spec = sampleSpec();
    const [first = [], second = [], ...rest] = spec.space.groups;
    const regrouped = (groups: SweepSpec['space']['groups']): string =>
      specHash({ ...spec, space: { groups } });
    const hashes = [
      regrouped([first, second, ...rest]),
      regrouped([second, first, ...rest]),
      regrouped([[...first, ...second], ...rest]),
      regrouped([first, ...second.map((axis) => [axis]), ...rest]),
    ];
    expect(hashes[0]).toBe(specHash(spec));
    expect(new Set(hashes).size).toBe(4);
  });
});

describe('the stored form of a spec', () => {
  test('is accepted as it is', () => {
    expect(StoredSpec.parse(JSON.parse(JSON.stringify(sampleSpec())))).toEqual(sampleSpec());
  });

  test.each<[string, Path, unknown]>([
    ['an unknown kind of values', ['space', 'groups', 0, 0, 'values', 'kind'], 'range'],
    ['a type that no axis has', ['space', 'groups', 0, 0, 'values', 'dtype'], 'complex128'],
    ['no number of values', ['space', 'groups', 1, 0, 'values', 'num'], 0],
    ['a fraction of a task', ['tasks'], 1.5],
    ['no task', ['tasks'], 0],
    ['a negative seed', ['seed'], '-1'],
    ['a seed that is a number', ['seed'], 1],
    ['an unknown slicing', ['slicing'], 'even'],
    ['an unknown format', ['format'], 'xml'],
    ['an unknown key', ['extra'], 1],
    ['a key too many in an axis', ['space', 'groups', 0, 0, 'unit'], 'm'],
  ])('with %s is refused', (_, path, value) => {
    expect(StoredSpec.safeParse(changed(sampleSpec(), path, () => value)).success).toBe(false);
  });
});

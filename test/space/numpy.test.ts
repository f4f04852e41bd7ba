import { execFileSync } from 'node:child_process';
import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { arange } from '../../src/space/arange.js';
import { geomspace, linspace, logspace } from '../../src/space/linspace.js';
import type { Values } from '../../src/space/axis.js';
import { bitsOf } from '../format/bits.js';
import { testWith } from '../tools.js';

type Arguments = readonly [start: number, stop: number, third: number];

/** What NumPy makes of each of the arguments, as bits. */
function numpy(call: string, cases: readonly Arguments[]): string[][] {
  const code = [
    'import json, sys, struct, numpy as np',
    'for case in json.load(sys.stdin):',
    '    a, b, c = (np.frombuffer(bytes.fromhex(v), ">f8")[0].item() for v in case)',
    `    v = ${call}`,
    '    print(*(struct.pack(">d", x).hex() for x in v))',
  ].join('\n');
  const input = JSON.stringify(cases.map((values) => values.map(bitsOf)));
  const output = execFileSync('python3', ['-W', 'ignore', '-c', code], { input, encoding: 'utf8' });
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split(' ').filter((bits) => bits !== ''));
}

const bits = (values: Values): string[] => [...values].map((value) => bitsOf(Number(value)));

/** Distance in units of the last place, by counting the doubles between two of one sign. */
function distance(a: string, b: string): number {
  return Math.abs(Number(BigInt(`0x${a}`) - BigInt(`0x${b}`)));
}

const SAMPLE = { numRuns: 200, seed: 20_240 };
/** Numbers as somebody types them, and any others. */
const anyEnd = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer({ min: -10_000, max: 10_000 }).map((whole) => whole / 100),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
);

describe('NumPy gives the same', () => {
  testWith('numpy', 'float values of arange, bit for bit', () => {
    const cases = fc.sample(
      fc
        .tuple(
          anyEnd,
          fc.integer({ min: 1, max: 300 }),
          fc.double({ min: 1e-6, max: 100, noNaN: true }),
          fc.boolean(),
        )
        .map(([start, count, size, isDown]): Arguments => {
          const step = isDown ? -size : size;
          return [start, start + count * step, step];
        }),
      SAMPLE,
    );
    expectSame(cases, (a, b, c) => arange(a, b, c, { dtype: 'float64' }), numpy('np.arange(a, b, c)', cases));
  });

  testWith('numpy', 'values of arange for decimal steps, bit for bit', () => {
    const cases = fc.sample(
      fc
        .tuple(
          fc.integer({ min: -100, max: 100 }),
          fc.integer({ min: 1, max: 100 }),
          fc.integer({ min: 1, max: 50 }),
        )
        .map(([start, length, step]): Arguments => [start / 10, (start + length) / 10, step / 100]),
      SAMPLE,
    );
    expectSame(cases, (a, b, c) => arange(a, b, c, { dtype: 'float64' }), numpy('np.arange(a, b, c)', cases));
  });

  testWith('numpy', 'whole values of arange', () => {
    const cases = fc.sample(
      fc
        .tuple(fc.maxSafeInteger(), fc.integer({ min: 1, max: 2 ** 40 }), fc.integer({ min: 1, max: 100 }))
        .filter(([start, step, count]) => Number.isSafeInteger(start + step * count))
        .map(([start, step, count]): Arguments => [start, start + step * count, step]),
      SAMPLE,
    );
    expectSame(cases, (a, b, c) => arange(a, b, c), numpy('np.arange(int(a), int(b), int(c))', cases));
  });

  testWith('numpy', 'values of linspace, bit for bit', () => {
    const cases = fc.sample(
      fc.tuple(anyEnd, anyEnd, fc.integer({ min: 1, max: 300 })).map((values): Arguments => values),
      SAMPLE,
    );
    expectSame(cases, (a, b, c) => linspace(a, b, c), numpy('np.linspace(a, b, int(c))', cases));
  });

  testWith('numpy', 'values of linspace at the ends of the doubles, bit for bit', () => {
    const cases: Arguments[] = [
      [-0, -0, 1],
      [-0, 1, 1],
      [-0, -0, 3],
      [0, 5e-324, 7],
      [5e-324, -5e-324, 4],
      [1e-310, 3e-310, 10],
      [-8e307, 8e307, 5],
      [1, 1 + 2 ** -52, 5],
    ];
    expectSame(cases, (a, b, c) => linspace(a, b, c), numpy('np.linspace(a, b, int(c))', cases));
  });

  testWith('numpy', 'values of logspace, within 2 units in the last place', () => {
    const cases = fc.sample(
      fc
        .tuple(
          fc.double({ min: -300, max: 300, noNaN: true }),
          fc.double({ min: -300, max: 300, noNaN: true }),
          fc.integer({ min: 1, max: 200 }),
        )
        .map((values): Arguments => values),
      SAMPLE,
    );
    expectClose(
      cases,
      (a, b, c) => logspace(a, b, c),
      numpy('np.logspace(a, b, int(c))', cases),
      () => 2,
    );
  });

  testWith('numpy', 'values of geomspace, within the rounding of the exponents', () => {
    const end = fc.oneof(
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      fc.double({ min: -300, max: 300, noNaN: true }).map((exponent) => 10 ** exponent),
    );
    const cases = fc.sample(
      fc
        .tuple(end, end, fc.integer({ min: 1, max: 200 }), fc.constantFrom(1, -1))
        .map(([a, b, num, sign]): Arguments => [sign * a, sign * b, num]),
      SAMPLE,
    );
    // Math.log10 is off by up to 1.2 units in the last place, and one unit of an exponent e is up to 2 ln(10) |e| of 10 ** e.
    const largest = (a: number, b: number): number =>
      Math.max(...[a, b].map((value) => Math.abs(Math.log10(Math.abs(value)))));
    expectClose(
      cases,
      (a, b, c) => geomspace(a, b, c),
      numpy('np.geomspace(a, b, int(c))', cases),
      ([a, b]) => 3 + Math.ceil(8 * largest(a, b)),
    );
  });
});

/** The first case that differs; a whole table of differences would take minutes to print. */
function expectSame(
  cases: readonly Arguments[],
  rule: (...values: Arguments) => Values,
  expected: readonly (readonly string[])[],
): void {
  expect(expected).toHaveLength(cases.length);
  for (const [index, args] of cases.entries()) {
    const found = bits(rule(...args)).join(' ');
    const wanted = expected[index]?.join(' ');
    if (found !== wanted) expect({ args, values: found }).toEqual({ args, values: wanted });
  }
}

function expectClose(
  cases: readonly Arguments[],
  rule: (...values: Arguments) => Values,
  expected: readonly (readonly string[])[],
  tolerance: (args: Arguments) => number,
): void {
  let values = 0;
  for (const [index, args] of cases.entries()) {
    const found = bits(rule(...args));
    const wanted = expected[index] ?? [];
    expect(found).toHaveLength(wanted.length);
    for (const [position, want] of wanted.entries()) {
      const off = distance(found[position] ?? '', want);
      if (off > tolerance(args)) expect({ args, position, off }).toEqual({ args, position, off: 0 });
      values++;
    }
  }
  expect(values).toBeGreaterThan(1000);
}

import { readFileSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';

import kwargs, { columns, schema } from '../../workers/kwargs.js';
import { testContext } from './context.js';

/** The rows of `data/kwargs.csv`, without their empty cells. */
function readCalls(): Record<string, string | number>[] {
  const text = readFileSync(new URL('../../data/kwargs.csv', import.meta.url), 'utf8');
  const [header = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  return rows.map((cells) => {
    const given = header.map((name, i) => [name, cells[i] ?? ''] as const).filter(([, cell]) => cell !== '');
    return Object.fromEntries(given.map(([name, cell]) => [name, name === 'name' ? cell : Number(cell)]));
  });
}

describe('kwargs', () => {
  test('the table gives a and b, a alone, b alone and neither', () => {
    expect(readCalls().map((call) => Object.keys(call))).toEqual([
      ['name', 'a', 'b'],
      ['name', 'a'],
      ['name', 'b'],
      ['name'],
    ]);
  });

  test('defaults take the place of what a call does not give', async () => {
    const results = readCalls().map((call, i) => kwargs(schema.parse(call), testContext(i, 1n)));
    expect(await Promise.all(results)).toEqual([
      { a_used: 5, b_used: 2 },
      { a_used: 5, b_used: -1 },
      { a_used: 0, b_used: 2 },
      { a_used: 0, b_used: -1 },
    ]);
  });

  test('the result has the declared columns, none of them named like a parameter', async () => {
    const names = Object.keys(await kwargs(schema.parse({}), testContext(0, 1n)));
    expect(names).toEqual(Object.keys(columns));
    expect(names.filter((name) => name in schema.shape)).toEqual([]);
  });

  test('a call logs what it came to have, after its wait', async () => {
    const context = testContext(0, 1n);
    const startMs = performance.now();
    await kwargs(schema.parse({ name: 'a-only', a: 5, seconds: 0.05 }), context);
    expect(performance.now() - startMs).toBeGreaterThan(48);
    expect(context.lines).toEqual(['run_proc: a-only, a=5, b=-1']);
  });

  test.each([{ a: 0.5 }, { b: '2' }, { a: null }, { seconds: -1 }])('%j is refused', (point) => {
    expect(schema.safeParse(point).success).toBe(false);
  });
});

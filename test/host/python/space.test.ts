import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { layoutOf } from '../../../src/format/layout.js';
import { rowWriter } from '../../../src/format/row.js';
import { philoxStream, pointSeed } from '../../../src/host/philox.js';
import { arange } from '../../../src/space/arange.js';
import type { Values } from '../../../src/space/axis.js';
import { defineSpace, spaceFrom, type SpaceDefinition } from '../../../src/space/definition.js';
import { geomspace, linspace, logspace } from '../../../src/space/linspace.js';
import { list } from '../../../src/space/list.js';
import { columnsFrom, type PointsColumns } from '../../../src/space/points-columns.js';
import { space } from '../../../src/space/space.js';
import { testWith } from '../../tools.js';
import { computeTask, modelOf, newRun, spaceOf, startHost, taskOf, type PythonHost } from './host.js';

const ANY = 'def f(**point):\n    return True\n';

/** The points [start, stop) as the Python host writes them, and as the values of src/space read. */
async function bothPoints(
  definition: SpaceDefinition,
  between: readonly [number, number],
  options: { points?: PointsColumns; host?: PythonHost } = {},
): Promise<{ python: string; js: string }> {
  const [start, stop] = between;
  const run = newRun({ space: definition });
  if (options.points !== undefined) {
    writeFileSync(join(run.directory, 'points.json'), `${JSON.stringify(options.points)}\n`);
  }
  const host = options.host ?? startHost();
  if (options.host === undefined) host.send(modelOf(ANY));
  host.send(run.run, taskOf({ start, stop }));
  await host.next('done');
  const made = spaceFrom(definition, options.points);
  const rows = rowWriter({
    format: 'txt',
    axes: made.axes.map(({ name, values }) => ({ name, dtype: values.dtype })),
    layout: layoutOf(true, undefined, []),
    wholeNumbers: 'float64',
  });
  const lines = Array.from({ length: stop - start }, (_, index) =>
    rows.write(made.values(start + index), true),
  );
  return { python: run.read('task_index=0.txt'), js: lines.join('') };
}

async function expectSame(definition: SpaceDefinition, between: readonly [number, number]): Promise<void> {
  const { python, js } = await bothPoints(definition, between);
  expect(python.split('\n')).toEqual(js.split('\n'));
}

describe('the values of a space in the Python host', () => {
  const axes: Record<string, Values> = {
    'whole numbers of a range': arange(-3, 5000, 7),
    'a range that runs down': arange(10, -10, -3),
    'a range beyond 2^53': arange(2n ** 53n - 2n, 2n ** 53n + 9n, 3n),
    'a float range': arange(0, 1, 0.1),
    'a float range of whole numbers': arange(0, 5, 1, { dtype: 'float64' }),
    'a float range of five thousand': arange(-1.5, 3.5, 0.001),
    'a float range that holds one value': arange(0.1, 0.2, 5),
    linspace: linspace(-1, 2 * Math.PI, 7001),
    'linspace of one value': linspace(-0, 5, 1),
    'linspace of two': linspace(0, 1, 2),
    'linspace whose step underflows': linspace(0, 5e-324, 5),
    'logspace of whole exponents': logspace(-5, 5, 11),
    'the ends of geomspace': geomspace(-3, -7, 2),
    'a list of floats': list([0.1, -0, 1e300, NaN, Infinity, -Infinity, 3]),
    'a list of large integers': list([1n, 2n ** 63n - 1n, -(2n ** 63n)]),
    'a list of bools': list([true, false]),
    'a list of strings': list(['', 'nan', '1', 'a b', '\ud800', '日本']),
  };
  for (const [name, x] of Object.entries(axes)) {
    testWith('python3', `are those of src/space: ${name}`, async () => {
      await expectSame(spaceOf({ x }), [0, x.size]);
    });
  }

  testWith('python3', 'run in the same order, whatever slice is asked for', async () => {
    const definition = spaceOf(
      {
        a: list(['p', 'q', 'r']),
        b: linspace(0, 1, 7),
        c: arange(7),
        d: list([true, false]),
        e: arange(0, 1, 0.3),
      },
      [['b', 'c']],
    );
    const { size } = spaceFrom(definition);
    const host = startHost();
    host.send(modelOf(ANY));
    const between = fc.tuple(fc.nat(size), fc.nat(size)).map((ends) => ends.sort((a, b) => a - b));
    for (const [start = 0, stop = 0] of [[0, size], ...fc.sample(between, 40)]) {
      const { python, js } = await bothPoints(definition, [start, stop], { host });
      expect(python).toBe(js);
    }
  });

  testWith('python3', 'far out in a space that no memory could hold', async () => {
    const definition = spaceOf({
      a: linspace(0, 1, 1e6),
      b: arange(100_000_000),
      c: list(['u', 'v', 'w']),
    });
    await expectSame(definition, [2 ** 47 + 1, 2 ** 47 + 5000]);
  });

  testWith('python3', 'of arange and linspace agree for any ends', async () => {
    const number = fc
      .double({ min: -1e6, max: 1e6, noNaN: true })
      .map((value) => (Math.abs(value) < 1e-3 ? 1 : value));
    const values = fc
      .tuple(number, number, fc.integer({ min: 1, max: 50 }), fc.boolean())
      .map(([start, span, count, isRange]) => {
        const step = span / count;
        return isRange
          ? arange(start, start + step * count, step, { dtype: 'float64' })
          : linspace(start, span, count);
      });
    const host = startHost();
    host.send(modelOf(ANY));
    // One space of many groups would be too large: each is a run, all in one process.
    for (const x of fc.sample(values, 100)) {
      const { python, js } = await bothPoints(spaceOf({ x }), [0, Math.min(x.size, 300)], { host });
      expect(python).toBe(js);
    }
  });

  describe('from a points file', () => {
    const given: PointsColumns = {
      version: 1,
      columns: [
        { name: 'n', dtype: 'int64', values: [1, '9007199254740993', null] },
        { name: 'u', dtype: 'float64', values: [0.5, '-0', 1e21] },
        { name: 's', dtype: 'string', values: ['é "1"', '\ud800\u2028', null] },
      ],
    };
    const definition = defineSpace(space([columnsFrom(given)]));

    testWith('python3', 'are those of the columns, and missing where nothing is there', async () => {
      const { python, js } = await bothPoints(definition, [0, 3], { points: given });
      expect(python).toBe(js);
      expect(python.split('\n')[2]).toBe('nan   1e+21   nan   True');
    });

    testWith('python3', 'are refused where the file was changed', async () => {
      const [n, u, s] = given.columns;
      const changed = { ...given, columns: [{ ...n, values: [1, 2, 3] }, u, s] } as PointsColumns;
      const run = newRun({ space: definition });
      writeFileSync(join(run.directory, 'points.json'), JSON.stringify(changed));
      const host = startHost();
      host.send(modelOf(ANY), run.run);
      expect((await host.next('broken'))['message']).toMatch(/points\.json to hold the column "n"/);
      expect((await host.ended).exitCode).toBe(1);
    });

    testWith('python3', "are written as the function's default where they are missing", async () => {
      const run = newRun({ space: definition });
      writeFileSync(join(run.directory, 'points.json'), JSON.stringify(given));
      await computeTask(modelOf("def f(n=7, u=0.0, s='d e'):\n    return f'{n}{s}'\n"), run, { stop: 3 });
      expect(run.read('task_index=0.txt').split('\n')[2]).toBe('7   1e+21   "d e"   "7d e"');
    });

    testWith('python3', 'fail only the points whose default has no text', async () => {
      const run = newRun({ space: definition });
      writeFileSync(join(run.directory, 'points.json'), JSON.stringify(given));
      await computeTask(modelOf('def f(n=(), u=0.0, s=None):\n    return 1.5\n'), run, { stop: 3 });
      expect(run.read('task_index=0.txt.part').split('\n')[2]).toBe('# failed 2');
      expect(run.records('failures.jsonl')).toMatchObject([{ index: 2, attempt: 1 }]);
      expect(run.records('failures.jsonl')[0]?.['error']).toMatch(/column "n" to be .* got an empty tuple/);
    });
  });
});

describe('the context in the Python host', () => {
  const indices = [0, 1, 2, 299, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7];
  const definition = spaceOf({ a: arange(2 ** 41) });

  for (const seed of ['0', '1', '18446744073709551615']) {
    testWith('python3', `gives the seeds and random numbers of philox.ts, for --seed ${seed}`, async () => {
      const run = newRun({ space: definition, seed });
      const host = startHost();
      host.send(
        modelOf(
          'def f(a, seed, index, task_index, context=None):\n' +
            '    assert (context.seed, context.index, context.task_index) == (seed, index, task_index)\n' +
            '    return (seed, index, task_index) + tuple(context.random().hex() for _ in range(5))\n',
        ),
        run.run,
      );
      for (const [task, start] of indices.entries()) {
        host.send(taskOf({ index: task, start, stop: start + 2 }));
        await host.next('done');
        const lines = [start, start + 1].map((index) => {
          const own = pointSeed(BigInt(seed), index);
          const random = philoxStream(own);
          const numbers = Array.from({ length: 5 }, () => random());
          return { head: [index, own, index, task].map(String), numbers };
        });
        const found = run
          .read(`task_index=${String(task)}.txt`)
          .trimEnd()
          .split('\n');
        expect(found).toHaveLength(2);
        for (const [position, line] of found.entries()) {
          const cells = line.trim().split('   ');
          expect(cells.slice(0, 4)).toEqual(lines[position]?.head);
          expect(cells.slice(4).map(fromHex)).toEqual(lines[position]?.numbers);
        }
      }
    });
  }

  testWith('python3', 'leaves alone what the sweep gives, and what has a default', async () => {
    const run = newRun({ space: spaceOf({ seed: [5, 6] }), fixed: { index: [9] } });
    await computeTask(
      modelOf('def f(seed, index, task_index=-1):\n    return [seed, index, task_index]\n'),
      run,
      {
        stop: 2,
      },
    );
    expect(run.read('task_index=0.txt')).toBe('5   5   9   -1   \n6   6   9   -1   \n');
  });

  testWith('python3', 'reaches functions that take their parameters by name only', async () => {
    const run = newRun({ space: spaceOf({ x: [1, 2] }), fixed: { k: [10] } });
    await computeTask(modelOf('def f(*, k, x, index):\n    return k * x + index\n'), run, { stop: 2 });
    expect(run.read('task_index=0.txt')).toBe('1   10\n2   21\n');
  });

  testWith('python3', 'fills positional parameters in any order', async () => {
    const run = newRun({ space: spaceOf({ y: ['p', 'q'], x: [1, 2] }), fixed: { k: [10] } });
    await computeTask(modelOf("def f(k, x, index, y, z='z'):\n    return f'{k}{x}{index}{y}{z}'\n"), run, {
      stop: 4,
    });
    expect(run.read('task_index=0.txt')).toBe(
      'p   1   1010pz\np   2   1021pz\nq   1   1012qz\nq   2   1023qz\n',
    );
  });
});

// --- internal ---

/** The number of Python's `float.hex`. */
function fromHex(text: string): number {
  const [, mantissa = '', exponent = ''] = /^0x([01]\.[0-9a-f]+)p([+-]\d+)$/.exec(text) ?? [];
  const [whole = '', digits = ''] = mantissa.split('.');
  return parseInt(whole + digits, 16) * 2 ** (Number(exponent) - 4 * digits.length);
}

import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import fs from 'fs-extra';
import { spawnSync } from 'node:child_process';
import { sharedArray, sharedValue } from '../../src/multiprocessing/shared-value.js';
import { sharedDescription } from '../../src/shared/value.js';
import type { Typecode } from '../../src/shared/typecode.js';
import { read, temporaryFolder } from '../e2e/command.js';
import { program } from '../multiprocessing/program.js';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const shared of open.splice(0)) shared.close();
});

function value(...args: Parameters<typeof sharedValue>): ReturnType<typeof sharedValue> {
  const made = sharedValue(...args);
  open.push(made);
  return made;
}

function array(...args: Parameters<typeof sharedArray>): ReturnType<typeof sharedArray> {
  const made = sharedArray(...args);
  open.push(made);
  return made;
}

describe('a shared value', () => {
  test.each<[Typecode, number, number | bigint, number | bigint]>([
    ['b', 1, -128, 127],
    ['B', 1, 0, 255],
    ['h', 2, -32768, 32767],
    ['H', 2, 0, 65535],
    ['i', 4, -(2 ** 31), 2 ** 31 - 1],
    ['I', 4, 0, 2 ** 32 - 1],
    ['l', 8, -(2n ** 63n), 2n ** 63n - 1n],
    ['L', 8, 0, 2n ** 64n - 1n],
    ['q', 8, -(2n ** 63n), 2n ** 63n - 1n],
    ['Q', 8, 0, 2n ** 64n - 1n],
  ])('of typecode %s has %d bytes and holds %s to %s', (typecode, bytes, least, greatest) => {
    const shared = array(typecode, [0, 0, 0]);
    const path = sharedDescription(shared)?.path ?? '';
    expect(fs.statSync(path).size).toBe(Math.max(8, 3 * bytes));
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    for (const limit of [least, greatest]) {
      shared.set(1, limit);
      expect(shared.toArray()).toEqual([0, limit, 0]);
    }
    for (const beyond of [BigInt(least) - 1n, BigInt(greatest) + 1n, 0.5, NaN]) {
      expect(() => {
        shared.set(1, beyond);
      }).toThrow(/^Expected a shared value to be an integer/);
    }
    expect(shared.get(1)).toBe(greatest);
  });

  test('of typecode d keeps every float, of f the nearest of 32 bits', () => {
    const double = value('d');
    const single = value('f');
    fc.assert(
      fc.property(fc.double(), (number) => {
        double.value = number;
        single.value = number;
        expect([double.value, single.value]).toEqual([number, Math.fround(number)]);
      }),
    );
  });

  test('is gone when it is closed', () => {
    const shared = value('d', 1);
    const path = sharedDescription(shared)?.path ?? '';
    expect(fs.existsSync(path)).toBe(true);
    shared.close();
    expect(fs.existsSync(path)).toBe(false);
    expect(() => shared.value).toThrow('its maker has closed it');
  });

  test('refuses what is no typecode, value, length or position', () => {
    expect(() => sharedValue('z' as Typecode)).toThrow('one of b B h H i I l L q Q f d, got "z"');
    expect(() => sharedValue('i', 0.5)).toThrow('an integer, got 0.5');
    expect(() => sharedValue('d', '1' as unknown as number)).toThrow('a number, got "1"');
    expect(() => sharedArray('d', -1)).toThrow('a whole number, 0 or more, got -1');
    expect(() => array('d', 2).get(2)).toThrow('a position from 0 to 1 of the shared array, got 2');
    expect(() => {
      array('d', 2).setAll([1, 2], 1);
    }).toThrow('got 2');
  });

  test('adds under its lock, also within one process', async () => {
    const shared = value('q', 2n ** 60n);
    await Promise.all(Array.from({ length: 50 }, () => shared.add(1)));
    expect(shared.value).toBe(2n ** 60n + 50n);
    const numbers = array('d', [1, 2]);
    expect(await numbers.add(1, 0.5)).toBe(2.5);
    expect([...numbers]).toEqual([1, 2.5]);
  });

  test('gives its lock back where what is done throws', async () => {
    const shared = value('d');
    await expect(
      shared.lock(() => {
        throw new Error('inside');
      }),
    ).rejects.toThrow('inside');
    expect(await shared.add(1)).toBe(1);
  });
});

describe('shared between processes', () => {
  const folder = (): string => {
    const made = temporaryFolder();
    fs.outputFileSync(
      `${made}/s.mjs`,
      `export const set = (shared, number) => { shared.value = number; };
       export const addMany = async (shared, times) => { for (let i = 0; i < times; i++) await shared.add(1); };
       export const square = (numbers, index) => { numbers.set(index, numbers.get(index) ** 2); };
       export const die = (shared) => shared.lock(() => process.kill(process.pid, 'SIGKILL'));
       export const flip = (shared, numbers, times) => { for (let i = 0; i < times; i++) shared.value = numbers[i % numbers.length]; };
       export const watch = (shared, times) => { const seen = new Set(); for (let i = 0; i < times; i++) seen.add(shared.value); return [...seen]; };\n`,
    );
    return made;
  };

  test('two processes set two values, as in the article', async () => {
    const { value: found } = await program(
      `const [num1, num2] = [sharedValue('d', 0.0), sharedValue('d', 0.0)];
       const made = [new Process('s.mjs:set', { args: [num1, 100.0] }), new Process('s.mjs:set', { args: [num2, 200.0] })];
       for (const p of made) p.start();
       for (const p of made) await p.join();
       give([num1.value, num2.value]);`,
      folder(),
    );
    expect(found).toEqual([100, 200]);
  });

  test('a pool writes into an array', async () => {
    const { value: found } = await program(
      `const numbers = sharedArray('d', range(10));
       await new Pool(2).starmap('s.mjs:square', range(10).map((i) => [numbers, i]));
       give(numbers.toArray());`,
      folder(),
    );
    expect(found).toEqual([0, 1, 4, 9, 16, 25, 36, 49, 64, 81]);
  });

  test('four processes add one a thousand times each', async () => {
    const { value: found } = await program(
      `const shared = sharedValue('i');
       const made = range(4).map(() => new Process('s.mjs:addMany', { args: [shared, 1000] }).start());
       for (const p of made) await p.join();
       give(shared.value);`,
      folder(),
    );
    expect(found).toBe(4000);
  });

  test('a process that is killed while it holds the lock blocks nobody for ever, however many wait', async () => {
    const { value: found } = await program(
      `const shared = sharedValue('i');
       for (let round = 0; round < 5; round++) {
         const dead = new Process('s.mjs:die', { args: [shared] }).start();
         dead.result.catch(() => undefined);
         await dead.join();
         const made = range(3).map(() => new Process('s.mjs:addMany', { args: [shared, 50] }).start());
         for (const p of made) await p.join();
       }
       give(shared.value);`,
      folder(),
    );
    expect(found).toBe(750);
  });

  test('nobody sees half of a number', async () => {
    const { value: found } = await program(
      `const shared = sharedValue('Q', 0);
       const numbers = [0, 2n ** 64n - 1n];
       const writers = numbers.map(() => new Process('s.mjs:flip', { args: [shared, numbers, 100000] }).start());
       const seen = await new Process('s.mjs:watch', { args: [shared, 100000] }).start().result;
       for (const p of writers) await p.join();
       give(seen.every((number) => numbers.map(String).includes(String(number))));`,
      folder(),
    );
    expect(found).toBe(true);
  });

  test('their files are removed at the end of their maker', async () => {
    const { value: found } = await program(
      `const shared = sharedValue('d');
       const { path } = shared[Symbol.for('fanfold.shared')];
       give([path, (await import('node:fs')).existsSync(path)]);`,
      folder(),
    );
    const [path, wasThere] = found as [string, boolean];
    expect([wasThere, fs.existsSync(path)]).toEqual([true, false]);
  });

  test('another program that keeps to the rules reads and writes it too', () => {
    const shared = array('d', [1.5, 2.5]);
    const path = sharedDescription(shared)?.path ?? '';
    expect(Buffer.from(read(path), 'latin1').length).toBeGreaterThan(0);
    const { status } = spawnSync(process.execPath, [
      '-e',
      `const fs = require('fs'); const f = fs.openSync(${JSON.stringify(path)}, 'r+'); const b = new Float64Array([7]); fs.writeSync(f, new Uint8Array(b.buffer), 0, 8, 8);`,
    ]);
    expect([status, shared.toArray()]).toEqual([0, [1.5, 7]]);
  });
});

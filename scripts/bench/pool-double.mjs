// usage: pool-double.mjs ITEMS PROCESSES: doubles many numbers in a pool of fanfold, one task each.
import assert from 'node:assert';
import { Pool } from '../../dist/index.js';

const [items, processes] = process.argv.slice(2).map(Number);
const numbers = Array.from({ length: items }, (_, x) => x);
const pool = new Pool(processes);
const results = await pool.map(new URL('double-item.mjs', import.meta.url), numbers, { chunkSize: 1 });
pool.close();
await pool.join();
assert.deepStrictEqual(
  results,
  numbers.map((x) => 2 * x),
);

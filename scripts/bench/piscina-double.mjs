// usage: piscina-double.mjs PISCINA ITEMS THREADS: doubles many numbers in a pool of threads, one task each.
import assert from 'node:assert';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [path, items, threads] = process.argv.slice(2);
const { default: Piscina } = await import(pathToFileURL(path).href);
const count = Number(threads);
const pool = new Piscina({
  filename: fileURLToPath(new URL('double-item.mjs', import.meta.url)),
  minThreads: count,
  maxThreads: count,
});
const numbers = Array.from({ length: Number(items) }, (_, x) => x);
const results = await Promise.all(numbers.map((x) => pool.run(x)));
await pool.close();
assert.deepStrictEqual(
  results,
  numbers.map((x) => 2 * x),
);

/**
 * The article's program, section by section, with fanfold's library: Process, shared values, a sweep divided by hand, Pool.
 *
 *     node workers/article.mjs [SECONDS [FOLDER]]
 *
 * SECONDS is how long a job takes (2, as in the article); the files of section 6 go into FOLDER (the current one).
 */
import { join } from 'node:path';
import { argv, pid } from 'node:process';
import { compare, fold, Pool, Process, sharedValue, slice } from 'fanfold';

const seconds = Number(argv[2] ?? 2);
const folder = argv[3] ?? '.';
const jobs = new URL('article-jobs.ts', import.meta.url).href;

/** Runs something and prints how long it took. */
async function time(what, act) {
  const startMs = performance.now();
  await act();
  console.log(`${what}: ${((performance.now() - startMs) / 1000).toFixed(2)} s\n`);
}

console.log(`this program: pid ${pid}`);

// Section 2: four jobs one after another, and in four processes.
const names = ['job1', 'job2', 'job3', 'job4'];
await time('one after another', async () => {
  for (const name of names) {
    const p = new Process(`${jobs}:runProc`, { args: [name], kwargs: { seconds } });
    p.start();
    await p.join();
  }
});
// Section 4: the processes are made in a loop.
await time('four processes', async () => {
  const processes = names.map(
    (name) => new Process(`${jobs}:runProc`, { args: [name], kwargs: { seconds } }),
  );
  for (const p of processes) p.start();
  for (const p of processes) await p.join();
  const results = await Promise.all(processes.map((p) => p.result));
  console.log(`returned: ${results.join(', ')}; exit codes ${processes.map((p) => p.exitCode).join(', ')}`);
});

// The same by the command's --compare.
const { serial, parallel, speedUp } = await compare({
  worker: new URL('sleep.ts', import.meta.url),
  params: { name: names },
  set: { seconds },
  tasks: 4,
  jobs: 4,
  out: join(folder, 'sleep'),
  force: true,
});
console.log(
  `compared: ${serial.processes.length} process, then ${parallel.processes.length}; speed-up ${speedUp.toFixed(2)}\n`,
);

// Section 3: keyword arguments.
await time('keyword arguments', async () => {
  const processes = [{ a: 100, b: 200 }, { a: 100 }, { b: 200 }, {}].map(
    (kwargs, index) =>
      new Process(`${jobs}:runProc`, { args: [names[index]], kwargs: { seconds, ...kwargs } }),
  );
  for (const p of processes) p.start();
  for (const p of processes) await p.join();
});

// Section 5: values returned through shared memory.
const [num1, num2] = [sharedValue('d', 0.0), sharedValue('d', 0.0)];
const setters = [
  new Process(`${jobs}:setNumber`, { args: [num1, 100.0] }),
  new Process(`${jobs}:setNumber`, { args: [num2, 200.0] }),
];
for (const p of setters) p.start();
for (const p of setters) await p.join();
console.log(`shared: ${num1.value.toFixed(1)} ${num2.value.toFixed(1)}\n`);

// Section 6: a sweep divided by hand, a file for each task, and the files joined.
const parameters = Array.from({ length: 17 }, (_, x) => x);
const files = slice(parameters.length, 4).map((_, index) => join(folder, `task_index=${index}`));
const tasks = slice(parameters.length, 4).map(
  ({ start, stop }, index) =>
    new Process(`${jobs}:doubleTask`, { args: [parameters.slice(start, stop), files[index]] }),
);
for (const p of tasks) p.start();
for (const p of tasks) await p.join();
const result = await fold(
  files.map((file) => `${file}.txt`),
  join(folder, 'result.txt'),
);
console.log(`folded: ${result}\n`);

// Section 7: many small jobs in a pool.
await time('pool', async () => {
  const pool = new Pool(4);
  const squares = await pool.map(
    `${jobs}:square`,
    Array.from({ length: 64 }, (_, x) => x),
  );
  pool.close();
  await pool.join();
  console.log(`squares: ${squares.slice(0, 5).join(', ')}, …, ${squares.at(-1)}`);
});

import { describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { join } from 'node:path';
import { isAlive, read, temporaryFolder, until, writeWorker } from '../e2e/command.js';
import { LIBRARY, program, WORKERS } from './program.js';

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);
const doubled = (length: number): number[] => range(length).map((x) => 2 * x);

describe('pool.map', () => {
  test('gives values in the order of the items, whatever the chunks, and reuses its processes', async () => {
    const { value, exitCode } = await program(
      `const pool = new Pool(2);
       const found = [];
       for (const chunkSize of [undefined, 1, 7, 1000]) found.push(await pool.map('w.mjs', range(101), { chunkSize }));
       const pids = new Set(await pool.map('w.mjs:pid', range(64)));
       const empty = await pool.map('w.mjs', []);
       const set = await pool.map('w.mjs', new Set([3, 4]));
       give({ found, pids: [...pids].every((pid) => pool.pids.includes(pid)) && pids.size <= 2 && pids.size > 0, own: pids.has(process.pid), empty, set });`,
    );
    expect(value).toEqual({
      found: range(4).map(() => doubled(101)),
      pids: true,
      own: false,
      empty: [],
      set: [6, 8],
    });
    // An open pool that is idle keeps no program alive.
    expect(exitCode).toBe(0);
  });

  test('takes functions of several files and several maps at once', async () => {
    const folder = temporaryFolder();
    writeWorker(folder, 'other.ts', 'export const label = (x: number): string => `item ${String(x)}`;\n');
    const { value } = await program(
      `const pool = new Pool(2);
       give(await Promise.all([pool.map('w.mjs', range(20)), pool.map('./other.ts:label', range(3), { chunkSize: 1 }), pool.starmap(new URL('./w.mjs:add', import.meta.url), [[1, 2], [3, 4]]), pool.apply('w.mjs:echo', ['x'], { b: 5 }), pool.apply('w.mjs:echo')]));`,
      folder,
    );
    expect(value).toEqual([doubled(20), ['item 0', 'item 1', 'item 2'], [3, 7], ['x', { b: 5 }], []]);
  });

  test('shares 64 jobs out among the processes', async () => {
    const { value } = await program(
      `const pool = new Pool(4);
       const pids = await pool.map('w.mjs:pid', range(64), { chunkSize: 1 });
       give(pool.pids.map((pid) => pids.filter((other) => other === pid).length));`,
    );
    const counts = value as number[];
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(64);
    expect(Math.min(...counts)).toBeGreaterThan(2);
  });

  test('renews a process after maxTasksPerChild chunks', async () => {
    const { value } = await program(
      `const pool = new Pool(1, { maxTasksPerChild: 2 });
       const one = await pool.map('w.mjs:pid', range(6), { chunkSize: 1 });
       const three = await pool.map('w.mjs:pid', range(12), { chunkSize: 3 });
       pool.close();
       await pool.join();
       give([one, three].map((pids) => pids.map((pid) => [...new Set([...one, ...three])].indexOf(pid))));`,
    );
    expect(value).toEqual([
      [0, 0, 1, 1, 2, 2],
      [3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4],
    ]);
  });

  test('sets the number of threads', async () => {
    const { value } = await program(
      `process.env.OMP_NUM_THREADS = '7';
       const find = (options) => new Pool(1, options).apply('w.mjs:env', ['OMP_NUM_THREADS']);
       give([await find(), await find({ threads: 2 }), await find({ threads: 2, env: { OMP_NUM_THREADS: '3' } })]);`,
    );
    expect(value).toEqual(['7', '2', '3']);
  });
});

describe('a call that fails', () => {
  test.each([1, 4, 20])(
    'rejects with its item, in chunks of %d, and the pool stays usable',
    async (chunkSize) => {
      const { value } = await program(
        `const pool = new Pool(2);
       const items = range(20);
       const fail = (name) => pool.map('w.mjs:' + name, items, { chunkSize: ${String(chunkSize)} }).catch(describe);
       const failures = {};
       for (const name of ['throwAt7', 'exitAt7', 'killAt7', 'faultAt7', 'rejectAt7']) failures[name] = await fail(name);
       const after = await pool.map('w.mjs', items);
       give({ failures, after, count: pool.pids.length });`,
      );
      const at7 = { index: 7, item: 7 };
      const crashed = { ...at7, code: 'FANFOLD_CRASHED', exitStatus: null, output: '' };
      const ended = 'Item 7 (7): no result came. Its process ended by';
      expect(value).toEqual({
        failures: {
          throwAt7: { ...at7, code: 'FANFOLD_RAISED', message: 'Item 7 (7): RangeError: no seven' },
          exitAt7: {
            ...crashed,
            message: `${ended} exit status 3. It wrote: last words`,
            exitStatus: 3,
            signal: null,
            output: 'last words\n',
          },
          killAt7: {
            ...crashed,
            message: `${ended} SIGKILL, often the out-of-memory killer.`,
            signal: 'SIGKILL',
          },
          faultAt7: { ...crashed, message: `${ended} SIGSEGV, an invalid memory access.`, signal: 'SIGSEGV' },
          rejectAt7: {
            ...crashed,
            message: expect.stringContaining('Error: nobody looks') as unknown,
            exitStatus: 1,
            signal: null,
            output: expect.stringContaining('Error: nobody looks') as unknown,
          },
        },
        after: doubled(20),
        count: 2,
      });
    },
  );

  test('leaves other maps alone: their items are computed once each', async () => {
    const folder = temporaryFolder();
    const { value } = await program(
      `const pool = new Pool(2);
       const file = ${JSON.stringify(join(folder, 'notes'))};
       const [others, failure] = await Promise.all([
         pool.starmap('w.mjs:note', range(2000).map((x) => [file, x]), { chunkSize: 1 }),
         (async () => { for (let i = 0; i < 5; i++) await pool.map('w.mjs:killAt7', [7, 7]).catch(describe); return pool.apply('w.mjs:exitAt7', [7]).catch(describe); })(),
       ]);
       give([others.length, failure.code]);`,
      folder,
    );
    expect(value).toEqual([2000, 'FANFOLD_CRASHED']);
    const notes = read(folder, 'notes').split('\n').slice(0, -1).map(Number);
    expect(notes.sort((a, b) => a - b)).toEqual(range(2000));
  });

  test('leaves the items that wait', async () => {
    const folder = temporaryFolder();
    const { value } = await program(
      `const pool = new Pool(1);
       const file = ${JSON.stringify(join(folder, 'notes'))};
       const first = await pool.starmap('w.mjs:note', [[file, 0], [file, 1], null, ...range(1000).map((x) => [file, x])], { chunkSize: 1 }).catch((e) => e.message);
       give([first, await pool.apply('w.mjs', [1])]);`,
      folder,
    );
    expect(value).toEqual([
      'Item 2: Expected each item of starmap to be a list of arguments, got a object.',
      2,
    ]);
    expect(read(folder, 'notes').split('\n').length - 1).toBeLessThan(5);
  });

  test('in a worker that can not be loaded says so', async () => {
    const { value } = await program(
      `const pool = new Pool(2);
       const messages = [];
       for (const worker of ['throws.mjs', 'exits.mjs', 'w.mjs:nothing', 'nowhere.mjs', 'bad.ts', () => 1]) {
         messages.push(await (async () => pool.map(worker, range(5)))().catch(({ code, message }) => [code, message]));
       }
       give([messages, await pool.map('w.mjs', [1])]);`,
      folderWith({
        'throws.mjs': 'throw new Error("at import");',
        'exits.mjs': 'process.exit(4);',
        'bad.ts': 'export default 1 +;',
      }),
    );
    expect(value).toEqual([
      [
        ['FANFOLD_WORKER', expect.stringContaining('at import')],
        ['FANFOLD_CRASHED', expect.stringContaining('exit status 4')],
        ['FANFOLD_WORKER', expect.stringContaining('nothing')],
        ['FANFOLD_WORKER', expect.stringContaining('nowhere.mjs')],
        ['FANFOLD_WORKER', expect.stringContaining('bad.ts:1:')],
        ['FANFOLD_WORKER', expect.stringContaining("can't be given a function")],
      ],
      [2],
    ] as unknown[]);
  });

  test('where values can not pass names item and type', async () => {
    const { value } = await program(
      `const pool = new Pool(1);
       const find = (promise) => promise.catch((e) => e.message);
       give([await find(pool.map('w.mjs', [1, { deep: [() => 1] }])), await find(pool.map('own.mjs', [1]))]);`,
      folderWith({ 'own.mjs': 'export default () => new Map();' }),
    );
    expect(value).toEqual([
      expect.stringMatching(/^Item 1: Expected argument 0\.deep\[0\] to be a value .*, got a function\.$/),
      expect.stringMatching(/^Item 0 \(1\): TypeError: Expected the result to be a value .*, got a Map\.$/),
    ] as unknown[]);
  });
});

describe('pool.imap', () => {
  test('gives values in order, and imapUnordered as they are computed', async () => {
    const { value } = await program(
      `const pool = new Pool(2);
       const take = async (values) => { const found = []; for await (const value of values) found.push(value); return found; };
       give([await take(pool.imap('w.mjs:slowFirst', range(6))), await take(pool.imapUnordered('w.mjs:slowFirst', range(6))), await take(pool.imap('w.mjs', range(50), { chunkSize: 7 })), await take(pool.imap('w.mjs', []))]);`,
    );
    const [ordered, unordered, chunked, empty] = value as number[][];
    expect([ordered, chunked, empty]).toEqual([range(6), doubled(50), []]);
    expect(unordered?.at(-1)).toBe(0);
    expect([...(unordered ?? [])].sort()).toEqual(range(6));
  });

  test('reads an endless source a little ahead only, and closes it', async () => {
    const { value } = await program(
      `const pool = new Pool(2);
       let read = 0, isClosed = false;
       async function* source() { try { for (;;) yield read++; } finally { isClosed = true; } }
       const found = [];
       for await (const value of pool.imap('w.mjs', source())) { found.push(value); if (found.length === 10) break; }
       while (!isClosed) await new Promise((resolve) => setImmediate(resolve));
       give([found, read < 200, await pool.map('w.mjs', [1])]);`,
    );
    expect(value).toEqual([doubled(10), true, [2]]);
  });

  test('gives the values before an item that fails, then its error', async () => {
    const { value } = await program(
      `const pool = new Pool(2);
       const find = async (name, items, chunkSize) => {
         const found = [];
         try { for await (const value of pool.imap('w.mjs:' + name, items, { chunkSize })) found.push(value); } catch (e) { return [found, e.message]; }
       };
       function* broken() { yield 1; yield 2; throw new Error('source'); }
       give([await find('throwAt7', range(20)), await find('throwAt7', range(20), 5), await find('exitAt7', range(20)), await find('default', broken())]);`,
    );
    expect(value).toEqual([
      [range(7), 'Item 7 (7): RangeError: no seven'],
      [range(7), 'Item 7 (7): RangeError: no seven'],
      [range(7), expect.stringContaining('Item 7 (7): no result came.')],
      [[2, 4], 'source'],
    ] as unknown[]);
  });

  test('goes on after the pool is closed', async () => {
    const { value } = await program(
      `const pool = new Pool(2);
       const values = pool.imap('w.mjs', range(5));
       pool.close();
       const found = [];
       for await (const value of values) found.push(value);
       await pool.join();
       give(found);`,
    );
    expect(value).toEqual(doubled(5));
  });
});

describe('the end of a pool', () => {
  test('close and join wait for what is under way; later calls are refused', async () => {
    const { value } = await program(
      `const pool = new Pool(2);
       const early = await pool.join().catch((e) => e.message);
       const mapping = pool.map('w.mjs:pid', range(30));
       const pids = pool.pids;
       pool.close();
       const late = [await pool.map('w.mjs', [1]).catch((e) => e.code), (() => { try { pool.imap('w.mjs', [1]); } catch (e) { return e.code; } })()];
       await pool.join();
       const isAlive = (pid) => { try { process.kill(pid, 0); return true; } catch { return false; } };
       give([early, late, (await mapping).length, pids.length, pids.filter(isAlive)]);`,
    );
    expect(value).toEqual([
      expect.stringContaining('close() it first'),
      ['FANFOLD_USAGE', 'FANFOLD_USAGE'],
      30,
      2,
      [],
    ] as unknown[]);
  });

  test('terminate ends processes at once and rejects what is under way', async () => {
    const { value } = await program(
      `const pool = new Pool(2);
       const values = pool.imap('w.mjs:forever', [1]);
       const under = [pool.map('w.mjs:busy', [1]), values.next()].map((promise) => promise.catch((e) => e.code));
       await pool.map('w.mjs', []);
       pool.terminate();
       await pool.join();
       give([await Promise.all(under), pool.pids]);`,
    );
    expect(value).toEqual([['FANFOLD_STOPPED', 'FANFOLD_STOPPED'], []]);
  });

  test('await using terminates it', async () => {
    const folder = folderWith({
      'use.mts': `import { Pool } from '${LIBRARY}';
        let kept: Pool;
        { await using pool = new Pool(1); kept = pool; console.log(await pool.map('w.mjs', [1])); }
        await kept.join();
        console.log(kept.pids);`,
      'w.mjs': WORKERS,
    });
    const esbuild = join(process.cwd(), 'node_modules', 'esbuild', 'bin', 'esbuild');
    await execa(esbuild, ['use.mts', '--target=node20', '--outfile=use.mjs'], {
      cwd: folder,
    });
    const { stdout } = await execa(process.execPath, ['use.mjs'], { cwd: folder });
    expect(stdout).toBe('[ 2 ]\n[]');
  });

  test('a killed program leaves no process behind', async () => {
    const folder = folderWith({
      'w.mjs': WORKERS,
      'main.mjs': `import { Pool, Process } from '${LIBRARY}';
        const pool = new Pool(2);
        const p = new Process('w.mjs:busy').start();
        await pool.map('w.mjs', [1]);
        pool.map('w.mjs:busy', [1, 2], { chunkSize: 1 });
        console.log(JSON.stringify([...pool.pids, p.pid]));`,
    });
    const child = execa(process.execPath, ['main.mjs'], { cwd: folder, reject: false });
    let text = '';
    child.stdout.on('data', (bytes: Buffer) => (text += String(bytes)));
    await until('the pids', () => text.endsWith('\n'));
    const pids = JSON.parse(text) as number[];
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    child.kill('SIGKILL');
    await until('the end of the processes', () => !pids.some(isAlive), 2000);
    await child;
  });

  test('refuses numbers that can not be', async () => {
    const { value } = await program(
      `const tries = [() => new Pool(0), () => new Pool(1.5), () => new Pool(1, { maxTasksPerChild: 0 }), () => new Pool(1, { threads: -1 })];
       const messages = tries.map((act) => { try { act(); } catch (e) { return [e.exitCode, e.message]; } });
       messages.push(await new Pool(1).map('w.mjs', [1], { chunkSize: 0 }).catch((e) => [e.exitCode, e.message]));
       messages.push(await new Pool(1).map('w.mjs', 5).catch((e) => [e.exitCode, e.message]));
       try { new Pool(1).imap('w.mjs', {}); } catch (e) { messages.push([e.exitCode, e.message]); }
       give(messages);`,
    );
    const message = (name: string, count: number): [number, string] => [
      2,
      `Expected ${name} to be a positive integer, got ${String(count)}.`,
    ];
    expect(value).toEqual([
      message('processes', 0),
      message('processes', 1.5),
      message('maxTasksPerChild', 0),
      message('threads', -1),
      message('chunkSize', 0),
      [2, 'Expected items that can be iterated, such as an array, got a value of type number.'],
      [2, 'Expected items that can be iterated, such as an array, got a value of type object.'],
    ]);
  });
});

// --- internal ---

function folderWith(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, code] of Object.entries(files)) fs.outputFileSync(join(folder, name), code);
  return folder;
}

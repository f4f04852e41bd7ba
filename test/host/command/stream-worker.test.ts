import { afterAll, afterEach, describe, expect, jest, test } from '@jest/globals';
import fs from 'fs-extra';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { streamWorker } from '../../../src/host/command/stream-worker.js';
import { PointContext } from '../../../src/host/context.js';
import type { WorkerCommand } from '../../../src/host/protocol.js';
import type { LoadedWorker } from '../../../src/host/worker-module.js';

const folder = fs.mkdtempSync(join(tmpdir(), 'fanfold-stream-'));
const workers: LoadedWorker[] = [];

afterEach(async () => {
  await Promise.all(workers.splice(0).map(async (worker) => worker.close?.()));
});
afterAll(() => fs.remove(folder));

/** What each program is made of: `say` prints, `tell` answers a question with its index, `starts` counts the starts. */
const FRAME = `
const fs = require('fs');
const say = (text) => fs.writeSync(1, text);
const tell = (q, y) => say(JSON.stringify({ index: q.index, y }) + '\\n');
const counter = process.argv[2];
const starts = (fs.existsSync(counter) ? Number(fs.readFileSync(counter, 'utf8')) : 0) + 1;
fs.writeFileSync(counter, String(starts));
require('readline').createInterface({ input: process.stdin }).on('line', (line) => answer(JSON.parse(line), line));
`;

let programs = 0;

/** A worker of the program whose `answer(question, line)` is given. */
function worker(
  answer: string,
  columns?: WorkerCommand['spec']['columns'],
): { worker: LoadedWorker; starts: () => number; log: () => string } {
  const path = join(folder, `program-${String(++programs)}.js`);
  const counter = `${path}.starts`;
  fs.writeFileSync(path, `${FRAME}\n${answer}`);
  let log = '';
  const command = ['node', path, counter];
  const spec = {
    command,
    stream: true,
    shell: false,
    stdin: false,
    result: 'json',
    ...(columns && { columns }),
  };
  const made = streamWorker(
    {
      kind: 'command',
      spec,
      program: process.execPath,
      folder,
      scratch: join(folder, 'scratch'),
      keepScratch: false,
      temporary: folder,
      parameters: [
        { name: 'T', dtype: 'float64' },
        { name: 's', dtype: 'string' },
      ],
    },
    (bytes) => {
      log += Buffer.from(bytes).toString('utf8');
    },
  );
  workers.push(made);
  return { worker: made, starts: () => Number(fs.readFileSync(counter, 'utf8')), log: () => log };
}

const stop = new AbortController();

function context(index: number, signal = stop.signal): PointContext {
  return new PointContext(index, { taskIndex: 7, sweepSeed: 0n, signal, log: () => undefined });
}

/** Asks for points 0 to count - 1, as a host does in a task of `limit` points, and gives their results or errors. */
async function askAll({ ahead }: LoadedWorker, count: number, limit = count): Promise<unknown[]> {
  const outcomes: PromiseSettledResult<unknown>[] = [];
  while (outcomes.length < count) {
    const length = Math.min(ahead?.count() ?? 1, limit - outcomes.length);
    const points = Array.from(
      { length },
      (_, position) =>
        [{ T: outcomes.length + position, s: 'a' }, context(outcomes.length + position)] as const,
    );
    outcomes.push(...((await ahead?.compute(points)) ?? []));
  }
  return outcomes
    .slice(0, count)
    .map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as Error).message));
}

/** The doubles of 0 to count - 1, but for what some of them are instead. */
function doubles(count: number, others: Record<number, unknown> = {}): unknown[] {
  return Array.from({ length: count }, (_, index) => others[index] ?? BigInt(index * 2));
}

/** The same, in answers that have their index. */
function doublesTold(count: number, others: Record<number, unknown> = {}): unknown[] {
  return Array.from({ length: count }, (_, index) => others[index] ?? { y: BigInt(index * 2) });
}

const matching = (text: string): unknown => expect.stringContaining(text);

describe('a program that stays alive', () => {
  test('is asked in JSON, parameters first, and started once', async () => {
    const { worker: made, starts } = worker(
      "const answer = (q, line) => say(JSON.stringify([line]) + '\\n');",
    );
    const [first] = (await askAll(made, 1)) as string[][];
    expect(first).toEqual(['{"T":0.0,"s":"a","index":0,"task_index":7,"seed":16242730742183356629}']);
    await askAll(made, 20);
    expect(starts()).toBe(1);
  });

  test('answers in its own time, with numbers, arrays and objects', async () => {
    const { worker: made } = worker(`
      const answers = ['1.5', '[1, 2.0]', '{"e": 1, "f": "x"}', '{"index": 3, "e": 2}', '"text"', 'true', 'nan'];
      const answer = (q) => setTimeout(() => say(answers[q.index] + '\\n'), 7);`);
    const expected = [1.5, [1n, 2], { e: 1n, f: 'x' }, { e: 2n }, 'text', true, NaN];
    expect(await askAll(made, 7)).toEqual(expected);
  });

  test('puts its answers under the names of the columns', async () => {
    const { worker: made } = worker(
      `const answers = ['[1, 2]', '{"b": 2, "a": 1}', '3', '[1, 2, 3]', '{"a": 1}'];
       const answer = (q) => say(answers[q.index] + '\\n');`,
      [{ name: 'a' }, { name: 'b' }],
    );
    expect(await askAll(made, 5)).toEqual([
      { a: 1n, b: 2n },
      { a: 1n, b: 2n },
      matching('Expected the columns a, b, got one value'),
      matching('Expected the columns a, b, got 3 values'),
      matching('Expected the columns a, b, got the columns a'),
    ]);
  });

  test('fails a point by answering an error alone', async () => {
    const { worker: made, starts } = worker(
      'const answer = (q) => say(q.index === 2 ? \'{"error":"no fixed point"}\\n\' : q.T * 2 + \'\\n\');',
    );
    expect(await askAll(made, 5)).toEqual(doubles(5, { 2: matching('answered: no fixed point') }));
    expect(starts()).toBe(1);
  });

  test.each([
    ['in growing batches once its answers come fast and have their index', 'tell(q, q.T * 2)', true],
    ['one point at a time where its answers have no index', "say(q.T * 2 + '\\n')", false],
    [
      'one point at a time where some have none',
      "q.index % 20 === 0 ? say(q.T * 2 + '\\n') : tell(q, q.T * 2)",
      false,
    ],
    [
      'in batches where only its errors have no index',
      'q.index % 20 === 0 ? say(\'{"error":"no"}\\n\') : tell(q, q.T * 2)',
      true,
    ],
  ])('is asked %s', async (_, code, isTogether) => {
    const { worker: made, log } = worker(`const answer = (q) => ${code};`);
    const sizes = new Set<number>();
    const { ahead } = made;
    const watched = { ...made, ahead: { ...ahead, count: () => ahead?.count() ?? 1 } } as LoadedWorker;
    const compute = ahead?.compute;
    Object.assign(watched.ahead ?? {}, {
      compute: (points: never[]) => {
        sizes.add(points.length);
        return compute?.(points);
      },
    });
    const results = await askAll(watched, 300);
    expect(results.map((y) => (typeof y === 'object' ? (y as { y: bigint }).y : y))).toEqual(
      code.includes('error')
        ? doubles(300).map((y, index) => (index % 20 === 0 ? matching('no') : y))
        : doubles(300),
    );
    expect(sizes.has(1)).toBe(true);
    if (isTogether) expect(Math.max(...sizes)).toBeGreaterThan(8);
    else expect(sizes.size).toBe(1);
    expect(log().split('without the "index" of the point').length).toBe(isTogether ? 1 : 2);
  });

  // The first of the indices is asked alone, the second in a batch.
  describe.each([[3], [700]])(
    'that misbehaves at point %i fails that point alone, and is started anew:',
    (bad) => {
      test.each([
        ['too much', "say(q.T * 2 + '\\n1\\n')", 'printed more than its answer: 1'],
        [
          'too much, a moment later',
          "{ say(q.T * 2 + '\\n'); say('1\\n'); }",
          'printed more than its answer: 1',
        ],
        ['not JSON', "say('none\\n')", 'answered what is not JSON: none'],
        ['an empty line', "say('\\n')", 'answered what is not JSON: an empty line'],
        ['half an answer', "{ say('12'); process.exit(3); }", 'exit status 3'],
        ['its death', "{ console.error('singular'); process.exit(4); }", 'The end of its stderr: singular'],
        ['its death by a signal', "process.kill(process.pid, 'SIGKILL')", 'was ended by SIGKILL'],
        ['its end', 'process.exit(0)', 'ended with exit status 0'],
        ['another point’s index', 'say(\'{"index":1,"y":0}\\n\')', 'answered for the point 1 when'],
      ])('%s', async (_, misbehave, message) => {
        const { worker: made, starts } = worker(
          `const answer = (q) => { if (q.index === ${String(bad)}) { ${misbehave}; } else tell(q, q.T * 2); };`,
        );
        expect(await askAll(made, bad + 20)).toEqual(doublesTold(bad + 20, { [bad]: matching(message) }));
        expect(starts()).toBeGreaterThan(1);
        expect(await made.recall?.take()).toBe(undefined);
      });
    },
  );

  test('that leaves a question of a batch unanswered does not hold up the points before it', async () => {
    const { worker: made } = worker('const answer = (q) => { if (q.index !== 700) tell(q, q.T * 2); };');
    expect(await askAll(made, 700, 2000)).toEqual(doublesTold(700));
  });

  describe('that prints a line too many, without the index of its point,', () => {
    // It computes for 20 ms, and so reads the next question before the line of the third comes out.
    const slow = (after: string): string => `
      const waiting = [];
      const answer = (q) => { waiting.push(q); if (waiting.length === 1) compute(); };
      const compute = () => setTimeout(() => {
        const q = waiting[0];
        say(q.T * 2 + '\\n');
        setTimeout(() => {
          ${after}
          waiting.shift();
          if (waiting.length > 0) compute();
        }, q.index === 2 ? 10 : 0);
      }, 20);`;

    test('long after its answer, has all its answers taken back at the end of the task', async () => {
      const { worker: made } = worker(slow("if (q.index === 2) say('99\\n');"));
      expect(await askAll(made, 6)).toEqual([0n, 2n, 4n, 99n, 6n, 8n]);
      expect(made.recall?.isDue()).toBe(false);
      expect(await made.recall?.take()).toEqual({
        indices: [0, 1, 2, 3, 4, 5],
        error: expect.objectContaining({ message: matching('more answers than it was asked for') }),
      });
      expect(await made.recall?.take()).toBe(undefined);
      expect(await made.run({ T: 7, s: '' }, context(7))).toBe(14n);
    });

    test('at once, has those before taken back too, and is started anew', async () => {
      const { worker: made, starts } = worker(
        "const answer = (q) => say(q.T * 2 + (q.index === 3 ? '\\n1\\n' : '\\n'));",
      );
      expect(await askAll(made, 6)).toEqual(doubles(6, { 3: matching('printed more than its answer: 1') }));
      expect(made.recall?.isDue()).toBe(true);
      const recalled = await made.recall?.take();
      expect(recalled?.indices).toEqual([0, 1, 2]);
      expect(recalled?.error.message).toContain('It printed unasked: 1. Let each answer have the "index"');
      expect(made.recall?.isDue()).toBe(false);
      expect(starts()).toBe(2);
    });

    test('is not blamed where it is silent to the end of the task', async () => {
      const { worker: made } = worker("const answer = (q) => say(q.T * 2 + '\\n');");
      await askAll(made, 6);
      expect(await made.recall?.take()).toBe(undefined);
    });
  });

  test('that closes its standard output is ended, and the point says why', async () => {
    const { worker: made } = worker(
      'const answer = () => fs.closeSync(1); setInterval(() => undefined, 1000); process.stdin.on("end", () => undefined);',
    );
    await expect(made.run({ T: 0, s: '' }, context(0))).rejects.toThrow('closed its stdout and lived on');
  });

  test('that begins a second line fails the point, while it is asked one at a time', async () => {
    const { worker: made } = worker("const answer = (q) => say(q.T * 2 + (q.index === 3 ? '\\n1' : '\\n'));");
    expect(await askAll(made, 6)).toEqual(doubles(6, { 3: matching('printed more than its answer: 1') }));
  });

  test('that ends after an answer is started anew, and no point fails', async () => {
    const { worker: made, starts } = worker(
      "const answer = (q) => { say(q.T * 2 + '\\n'); if (q.index % 10 === 9) process.exit(0); };",
    );
    expect(await askAll(made, 35)).toEqual(doubles(35));
    expect(starts()).toBe(4);
  });

  test('that answers before it is asked fails the point that it would have been taken for', async () => {
    const { worker: made, starts } = worker(`
      const answer = (q) => {
        say(q.T * 2 + '\\n');
        if (q.index === 2) setTimeout(() => { say('99\\n'); fs.writeFileSync(counter + '.said', ''); }, 20);
      };`);
    expect(await askAll(made, 3)).toEqual(doubles(3));
    const said = `${join(folder, `program-${String(programs)}.js`)}.starts.said`;
    while (!fs.existsSync(said)) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(made.run({ T: 3, s: 'a' }, context(3))).rejects.toThrow('answered out of turn');
    expect(await made.run({ T: 4, s: 'a' }, context(4))).toBe(8n);
    expect(starts()).toBe(2);
  });

  test('that can’t be started fails every point with the reason', async () => {
    const { worker: made } = worker('');
    const spec = { command: ['./nowhere'], stream: true, shell: false, stdin: false, result: 'json' };
    const missing = streamWorker(
      {
        kind: 'command',
        spec,
        program: join(folder, 'nowhere'),
        folder,
        scratch: folder,
        keepScratch: false,
        temporary: folder,
        parameters: [],
      },
      () => undefined,
    );
    await expect(missing.run({}, context(0))).rejects.toThrow('ENOENT');
    expect(made.ahead?.count()).toBe(1);
  });

  test('that is silent for long is said to be so in the log', async () => {
    const { worker: made, log } = worker(
      "const answer = () => { fs.watch(counter, () => process.exit(0)); fs.writeFileSync(counter + '.asked', ''); };",
    );
    const asked = `${join(folder, `program-${String(programs)}.js`)}.starts.asked`;
    jest.useFakeTimers({
      doNotFake: ['nextTick', 'setImmediate', 'clearImmediate', 'performance', 'Date', 'queueMicrotask'],
    });
    const point = made.run({ T: 0, s: '' }, context(0));
    while (!fs.existsSync(asked)) await new Promise((resolve) => setImmediate(resolve));
    jest.advanceTimersByTime(9_000);
    expect(log()).toBe('');
    jest.advanceTimersByTime(2_000);
    jest.useRealTimers();
    expect(log()).toContain('for 10 s. If it has printed one, it must flush its output after each line.');
    fs.writeFileSync(asked.replace('.asked', ''), '1');
    await expect(point).rejects.toThrow('ended with exit status 0 before it answered');
  });

  test('writes its standard error into the log', async () => {
    const { worker: made, log } = worker("const answer = (q) => { console.error('at', q.T); tell(q, 1); };");
    await askAll(made, 2);
    await made.close?.();
    expect(log()).toBe('at 0\nat 1\n');
  });

  test('is ended when it does not end by itself', async () => {
    const { worker: made } = worker(
      "const answer = () => say(process.pid + '\\n'); setInterval(() => undefined, 1000); process.stdin.on('end', () => undefined);",
    );
    const pid = Number(await made.run({ T: 0, s: '' }, context(0)));
    await made.close?.();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

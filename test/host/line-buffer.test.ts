import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lineBuffer } from '../../src/host/line-buffer.js';
import { readPart, type TaskFiles } from '../../src/run/part.js';
import { openSliceFile, type SliceFile } from '../../src/run/slice-file.js';
import { sha256 } from '../../src/sha256.js';

let folder = '';
let part = '';
let file: SliceFile;

const TASK = { start: 0, stop: 1_000_000, hasLayout: true };
const files = (): TaskFiles => ({ part, check: `${part}.check`, final: join(folder, 'task_index=0.txt') });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fanfold-line-buffer-'));
  part = join(folder, 'task_index=0.txt.part');
  file = openSliceFile(files(), TASK, new Map());
});

afterEach(() => {
  file.close();
  rmSync(folder, { recursive: true });
});

const text = (): string => readFileSync(part, 'utf8');

const anyLine = fc.oneof(
  fc
    .string({ unit: 'grapheme', maxLength: 200 })
    .map((line) => ({ line: `${line.replaceAll('\n', ' ')}\n` })),
  fc.integer({ min: 1, max: 100_000 }).map((length) => ({ line: `${'é'.repeat(length)}\n` })),
  fc.tuple(fc.maxSafeInteger(), fc.maxSafeInteger()).map(([x, y]) => ({ x, y })),
  fc.tuple(fc.integer(), fc.integer({ min: -100, max: 100 })).map(([x, y]) => ({ x, y })),
);

describe('a line buffer', () => {
  test('writes every line once and in order, of any length, with hash and counts to match', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyLine, fc.boolean()), { maxLength: 60 }), (items) => {
        rmSync(part, { force: true });
        const own = openSliceFile(files(), TASK, new Map());
        const lines = lineBuffer(own, { count: 0 });
        let expected = '';
        for (const [item, isWritten] of items) {
          if ('line' in item) lines.text(item.line);
          else lines.integers(item.x, '   ', item.y);
          expected += 'line' in item ? item.line : `${String(item.x)}   ${String(item.y)}\n`;
          if (isWritten) lines.write();
        }
        lines.write();
        const sealed = own.seal(true);
        own.close();
        expect(text()).toBe(expected);
        expect(readPart(files(), TASK).bytes).toBe(Buffer.byteLength(expected));
        expect(sealed).toEqual({
          lines: items.length,
          bytes: Buffer.byteLength(expected),
          sha256: sha256(expected),
        });
      }),
      { numRuns: 200 },
    );
  });

  test.each([0, 1, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, Number.MAX_SAFE_INTEGER])(
    'writes the integers %i and its opposite',
    (value) => {
      const lines = lineBuffer(file, { count: 0 });
      lines.integers(value, ' ', value === 0 ? 0 : -value);
      lines.write();
      expect(text()).toBe(`${String(value)} ${String(value === 0 ? 0 : -value)}\n`);
    },
  );

  test('counts failed lines where they are written', () => {
    const failed = { count: 0 };
    const lines = lineBuffer(file, failed);
    lines.text('0   1\n');
    failed.count++;
    lines.text('# failed 1\n');
    lines.write();
    expect(failed.count).toBe(0);
    expect([file.lines, file.failed]).toEqual([2, 1]);
  });

  test('has its lines written while this thread is held, and writes none of them twice', () => {
    const lines = lineBuffer(file, { count: 0 });
    let expected = '';
    const hold = (round: number): void => {
      for (let index = 0; index < 100; index++) lines.integers(round, '   ', index);
      expected += Array.from({ length: 100 }, (_, index) => `${String(round)}   ${String(index)}\n`).join('');
      lines.holdBack();
      // Nothing but the other thread can write meanwhile: this one never gives way.
      const deadline = Date.now() + 30_000;
      while (statSync(part).size < expected.length && Date.now() < deadline);
      expect(text()).toBe(expected);
      expect(readPart(files(), TASK).bytes).toBe(expected.length);
    };
    for (let round = 0; round < 3; round++) {
      hold(2 * round);
      hold(2 * round + 1);
      lines.integers(-1, ' ', round);
      lines.write();
      expected += `-1 ${String(round)}\n`;
      expect(text()).toBe(expected);
    }
    expect(file.seal(true)).toEqual({ lines: 603, bytes: expected.length, sha256: sha256(expected) });
  });
});

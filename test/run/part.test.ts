import { appendFileSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CHECK_DIVIDER, checkLine, readPart, type TaskFiles } from '../../src/run/part.js';
import { openSliceFile } from '../../src/run/slice-file.js';
import { failedLine } from '../../src/run/whole-lines.js';
import { testFolder } from './folder.js';
import { writePart } from './written-part.js';

const folder = testFolder();
const final = join(folder, 'task_index=0.txt');
const FILES: TaskFiles = { part: `${final}.part`, check: `${final}.part.check`, final };
const TASK = { start: 0, stop: 1000, hasLayout: true };
const NONE = new Map<number, string>();

const BLOCKS = ['0   0\n', '1   2\n2   "é日"\n', failedLine(3), '4   8\n'];
const WHOLE = Buffer.from(BLOCKS.join(''));
/** Where a prefix of whole blocks ends. */
const ENDS = BLOCKS.map((_, index) => Buffer.byteLength(BLOCKS.slice(0, index + 1).join('')));

/** How many bytes are believed, after holding that they are the first that were written, and that opening keeps them. */
function believedBytes(label: unknown, written: Buffer = WHOLE): number {
  const { bytes, lines, failed } = readPart(FILES, TASK);
  const kept = written.subarray(0, bytes);
  expect([label, existsSync(FILES.part) && readFileSync(FILES.part).subarray(0, bytes).equals(kept)]).toEqual(
    [label, existsSync(FILES.part)],
  );
  const texts = kept.toString().split('\n');
  expect([label, lines, failed.length]).toEqual([
    label,
    texts.length - 1,
    texts.filter((line) => line.startsWith('# failed ')).length,
  ]);
  return bytes;
}

function openAndClose(replaced: ReadonlyMap<number, string> = NONE): void {
  openSliceFile(FILES, TASK, replaced).close();
}

const flipped = (bytes: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
};

describe('a part', () => {
  test('is believed as it was written', () => {
    writePart(FILES.part, ...BLOCKS);
    expect(readPart(FILES, TASK)).toEqual({ bytes: WHOLE.length, lines: 5, failed: [3] });
  });

  test('cut off at any byte is believed up to its last whole block', () => {
    for (let length = 0; length <= WHOLE.length; length++) {
      writePart(FILES.part, ...BLOCKS);
      writeFileSync(FILES.part, WHOLE.subarray(0, length));
      expect(believedBytes(length)).toBe(ENDS.findLast((end) => end <= length) ?? 0);
      openAndClose();
      expect(believedBytes(length)).toBe(ENDS.findLast((end) => end <= length) ?? 0);
    }
  });

  test('with any bit flipped is believed up to the block before it', () => {
    for (let bit = 0; bit < 8 * WHOLE.length; bit++) {
      writePart(FILES.part, ...BLOCKS);
      writeFileSync(FILES.part, flipped(WHOLE, bit));
      const expected = ENDS.findLast((end) => end <= bit >> 3) ?? 0;
      expect([bit, believedBytes(bit)]).toEqual([bit, expected]);
      openAndClose();
      expect([bit, readFileSync(FILES.part).equals(WHOLE.subarray(0, expected))]).toEqual([bit, true]);
    }
  });

  test('whose check file is cut off at any byte is believed as far as that goes', () => {
    const checks = BLOCKS.map((block) => checkLine(Buffer.from(block)));
    for (let length = 0; length <= checks.join('').length; length++) {
      writePart(FILES.part, ...BLOCKS);
      writeFileSync(FILES.check, checks.join('').slice(0, length));
      const whole = checks.filter((_, index) => checks.slice(0, index + 1).join('').length <= length).length;
      expect([length, believedBytes(length)]).toEqual([length, ENDS[whole - 1] ?? 0]);
    }
  });

  test('whose check file has any bit flipped is believed up to the block before it', () => {
    writePart(FILES.part, ...BLOCKS);
    const checks = readFileSync(FILES.check);
    for (let bit = 0; bit < 8 * checks.length; bit++) {
      writePart(FILES.part, ...BLOCKS);
      writeFileSync(FILES.check, flipped(checks, bit));
      const line =
        checks
          .subarray(0, (bit >> 3) + 1)
          .toString()
          .split('\n').length - 2;
      // Without the newline before it a line runs into the one before it.
      const damaged = checks[bit >> 3] === 10 && line > 0 ? line - 1 : line;
      const expected = bit >> 3 === 0 ? 0 : (ENDS[damaged - 1] ?? 0);
      expect([bit, believedBytes(bit)]).toEqual([bit, expected]);
    }
  });

  test('without a check file is not believed', () => {
    writePart(FILES.part, ...BLOCKS);
    rmSync(FILES.check);
    expect(believedBytes('none')).toBe(0);
    openAndClose();
    expect(readFileSync(FILES.part).length).toBe(0);
  });

  test('goes on after the line of a block that a full disk tore', () => {
    writePart(FILES.part, ...BLOCKS);
    appendFileSync(FILES.check, '\n12 3f');
    appendFileSync(FILES.check, checkLine(Buffer.from('5   10\n')));
    appendFileSync(FILES.part, '5   10\n');
    expect(readPart(FILES, TASK).lines).toBe(6);
  });

  test.each([
    ['more lines than its task', { ...TASK, stop: 4 }],
    ['a failed point in the place of another', { ...TASK, start: 1 }],
    ['results of columns that nobody knows', { ...TASK, hasLayout: false }],
  ])('with %s is begun anew', (_, task) => {
    writePart(FILES.part, ...BLOCKS);
    expect(readPart(FILES, task)).toEqual({ bytes: 0, lines: 0, failed: [] });
    const file = openSliceFile(FILES, task, NONE);
    expect([file.lines, file.failed]).toEqual([0, 0]);
    file.close();
    expect(readFileSync(FILES.part).length).toBe(0);
  });

  test('of failed points alone is believed though the columns are not known yet', () => {
    writePart(FILES.part, failedLine(0), failedLine(1));
    expect(readPart(FILES, { ...TASK, hasLayout: false })).toMatchObject({ lines: 2, failed: [0, 1] });
  });
});

describe('a crash while a part is opened', () => {
  const NEW = new Map([[3, '3   longer than before\n']]);

  test('between the renames of its files loses nothing, whether lines were replaced or not', () => {
    for (const replaced of [NONE, NEW]) {
      writePart(FILES.part, ...BLOCKS);
      copyFileSync(FILES.part, `${FILES.part}.old`);
      openAndClose(replaced);
      const after = readFileSync(FILES.part);
      expect(believedBytes('after', after)).toBe(after.length);
      copyFileSync(`${FILES.part}.old`, FILES.part);
      expect(believedBytes('between')).toBe(WHOLE.length);
      openAndClose(replaced);
      expect(readFileSync(FILES.part).equals(after)).toBe(true);
    }
  });

  test('leaves a check file of two sections, of which any flipped bit costs lines at most', () => {
    writePart(FILES.part, ...BLOCKS);
    openAndClose(NEW);
    const checks = readFileSync(FILES.check);
    const after = readFileSync(FILES.part);
    expect(checks.includes(CHECK_DIVIDER)).toBe(true);
    for (const [part, written] of [
      [WHOLE, WHOLE],
      [after, after],
    ] as const) {
      writeFileSync(FILES.part, part);
      for (let bit = 0; bit < 8 * checks.length; bit++) {
        writeFileSync(FILES.check, flipped(checks, bit));
        believedBytes(bit, written);
      }
      for (let length = 0; length < checks.length; length++) {
        writeFileSync(FILES.check, checks.subarray(0, length));
        believedBytes(length, written);
      }
    }
  });
});

test('a part that is written, damaged and gone on with many times always begins as it was written', () => {
  const step = fc.record({
    blocks: fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 4 }), {
      maxLength: 4,
    }),
    target: fc.constantFrom('part', 'check'),
    damage: fc.constantFrom('flip', 'cut', 'remove', 'crash', 'none'),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    isReplacing: fc.boolean(),
  });
  const line = (index: number, kind: number): string =>
    kind === 0 ? failedLine(index) : `${String(index)}   ${'x'.repeat(kind * index)}\n`;
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 6 }), (steps) => {
      for (const path of [FILES.part, FILES.check]) rmSync(path, { force: true });
      for (const { blocks, target, damage, at, isReplacing } of steps) {
        const failed = isReplacing ? readPart(FILES, TASK).failed : [];
        const before = existsSync(FILES.part) ? readFileSync(FILES.part) : undefined;
        const file = openSliceFile(FILES, TASK, new Map(failed.map((index) => [index, line(index, 1)])));
        // A crash between the renames leaves the old part.
        const isTorn = damage === 'crash' && before !== undefined;
        for (const kinds of isTorn ? [] : blocks) {
          const text = kinds.map((kind, place) => line(file.lines + place, kind)).join('');
          file.append(Buffer.from(text), {
            lines: kinds.length,
            failed: kinds.filter((kind) => kind === 0).length,
          });
        }
        file.close();
        if (isTorn) writeFileSync(FILES.part, before);
        const path = FILES[target];
        const bytes = readFileSync(path);
        const place = Math.floor(at * bytes.length);
        if (damage === 'flip' && bytes.length > 0)
          writeFileSync(path, flipped(bytes, 8 * place + (place % 8)));
        if (damage === 'cut') writeFileSync(path, bytes.subarray(0, place));
        if (damage === 'remove') rmSync(path);
        const { bytes: believed, lines } = readPart(FILES, TASK);
        const kept = believed > 0 ? readFileSync(FILES.part, 'utf8').slice(0, believed) : '';
        const texts = kept.split('\n').slice(0, -1);
        expect(texts.length).toBe(lines);
        // Each line is one that some step wrote for its place.
        for (const [index, text] of texts.entries())
          expect([0, 1, 2].map((kind) => line(index, kind))).toContain(`${text}\n`);
        if (damage === 'none') expect(believed).toBe(readFileSync(FILES.part).length);
      }
    }),
    { numRuns: 300 },
  );
});

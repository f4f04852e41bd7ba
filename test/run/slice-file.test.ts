import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readPart, type TaskFiles } from '../../src/run/part.js';
import { openSliceFile, SupersededError } from '../../src/run/slice-file.js';
import { countLines, failedLine, readWholeLines } from '../../src/run/whole-lines.js';
import { testFolder } from './folder.js';
import { writePart } from './written-part.js';

const folder = testFolder();
let files = 0;

function newPaths(): TaskFiles {
  const final = join(folder, `task_index=${String(files++)}.txt`);
  return { part: `${final}.part`, check: `${final}.part.check`, final };
}

const NONE = new Map<number, string>();
const TASK = { start: 0, stop: 1_000_000, hasLayout: true };
const open = (paths: TaskFiles, replaced: ReadonlyMap<number, string> = NONE, task = TASK) =>
  openSliceFile(paths, task, replaced);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a new file', () => {
  test('holds what is appended, in its final place once it is published', () => {
    const paths = newPaths();
    const file = open(paths);
    expect([file.lines, file.failed]).toEqual([0, 0]);
    file.append(Buffer.from('0   0\n1   2\n'), { lines: 2, failed: 0 });
    file.append(Buffer.from(failedLine(2)), { lines: 1, failed: 1 });
    expect([file.lines, file.failed]).toEqual([3, 1]);
    expect(existsSync(paths.final)).toBe(false);
    expect(readFileSync(paths.part, 'utf8')).toBe('0   0\n1   2\n# failed 2\n');
    file.seal(true);
    expect(existsSync(paths.final)).toBe(false);
    file.publish();
    file.close();
    expect(readFileSync(paths.final, 'utf8')).toBe('0   0\n1   2\n# failed 2\n');
    expect([existsSync(paths.part), existsSync(paths.check)]).toEqual([false, false]);
  });

  test('that is never published leaves its lines in the part and the check file, and no other file', () => {
    const paths = newPaths();
    const file = open(paths);
    file.append(Buffer.from('0   0\n'), { lines: 1, failed: 0 });
    file.close();
    const mine = readdirSync(folder).filter((name) => name.startsWith(basename(paths.final)));
    expect(mine.sort()).toEqual([basename(paths.part), basename(paths.check)]);
  });

  test('may be empty', () => {
    const paths = newPaths();
    const file = open(paths);
    expect(file.seal(true)).toEqual({ lines: 0, bytes: 0, sha256: sha256(Buffer.alloc(0)) });
    file.publish();
    file.close();
    expect(statSync(paths.final).size).toBe(0);
  });
});

describe('a file that is gone on with', () => {
  test('cut off at any byte goes on after its last whole line', () => {
    const whole = Buffer.from('0   0.5\n# failed 1\n"é 日本 😀"   1\n3   2\n');
    const rest = ['0   0.5\n', failedLine(1), '"é 日本 😀"   1\n', '3   2\n'];
    const paths = newPaths();
    for (let length = 0; length <= whole.length; length++) {
      const kept = whole.subarray(0, length);
      writePart(paths.part, ...rest);
      writeFileSync(paths.part, kept);
      const lines = kept.toString('latin1').split('\n').length - 1;
      const failed = lines > 1 ? 1 : 0;
      expect([length, countLines(paths.part)]).toEqual([
        length,
        { lines, failed, offset: kept.lastIndexOf(10) + 1 },
      ]);
      const file = open(paths);
      expect([length, file.lines, file.failed]).toEqual([length, lines, failed]);
      for (const line of rest.slice(lines))
        file.append(Buffer.from(line), { lines: 1, failed: line.startsWith('#') ? 1 : 0 });
      expect(file.seal(true)).toEqual({ lines: 4, bytes: whole.length, sha256: sha256(whole) });
      file.publish();
      file.close();
      expect(readFileSync(paths.final).equals(whole)).toBe(true);
    }
  });

  test('seals the size and the hash that the real file has', () => {
    const line = fc
      .string({ unit: 'binary', maxLength: 20 })
      .map((text) => `${text.replaceAll('\n', ' ')}\n`);
    const piece = fc.record({ lines: fc.array(line, { maxLength: 5 }), isNewProcess: fc.boolean() });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const paths = newPaths();
        let file = open(paths);
        for (const { lines, isNewProcess } of pieces) {
          file.append(Buffer.from(lines.join('')), { lines: lines.length, failed: 0 });
          if (!isNewProcess) continue;
          file.close();
          appendFileSync(paths.part, 'torn');
          file = open(paths);
        }
        const sealed = file.seal(true);
        file.publish();
        file.close();
        const bytes = readFileSync(paths.final);
        expect(sealed).toEqual({
          lines: pieces.flatMap(({ lines }) => lines).length,
          bytes: bytes.length,
          sha256: sha256(bytes),
        });
        expect(bytes.toString()).toBe(Buffer.from(pieces.flatMap(({ lines }) => lines).join('')).toString());
      }),
      { numRuns: 60 },
    );
  });

  test('may hold lines longer than the block that is read at once', () => {
    const paths = newPaths();
    const long = `${'x'.repeat(2.5 * 2 ** 20)}\n`;
    const text = `short\n${long}${failedLine(2)}${'y'.repeat(2 ** 20 - 1)}\n${'z'.repeat(2 ** 20)}\n`;
    writePart(paths.part, text);
    appendFileSync(paths.part, 'torn'.repeat(2 ** 19));
    expect(countLines(paths.part)).toEqual({ lines: 5, failed: 1, offset: text.length });
    const file = open(paths);
    file.append(Buffer.from('last\n'), { lines: 1, failed: 0 });
    const sealed = file.seal(true);
    file.close();
    expect(sealed).toEqual({
      lines: 6,
      bytes: text.length + 5,
      sha256: sha256(Buffer.from(`${text}last\n`)),
    });
    expect(readFileSync(paths.part, 'utf8') === `${text}last\n`).toBe(true);
  });

  test('may hold more than one block of short lines', () => {
    const paths = newPaths();
    const lines = Array.from({ length: 200_000 }, (_, index) =>
      index % 1000 === 7 ? failedLine(index) : `${String(index)}   ${String(2 * index)}\n`,
    );
    writePart(paths.part, lines.join(''));
    expect(statSync(paths.part).size).toBeGreaterThan(2 ** 21);
    expect(countLines(paths.part)).toEqual({
      lines: 200_000,
      failed: 200,
      offset: statSync(paths.part).size,
    });
    expect(readPart(paths, TASK).failed).toEqual(Array.from({ length: 200 }, (_, index) => index * 1000 + 7));
    const file = open(paths, new Map([[100_007, '100007   retried\n']]));
    file.close();
    expect([file.lines, file.failed]).toEqual([200_000, 199]);
    expect(readFileSync(paths.part, 'utf8').split('\n')[100_007]).toBe('100007   retried');
  });
});

describe('a host whose task another has taken over', () => {
  test('can not publish, and its late lines are lost', () => {
    const paths = newPaths();
    const old = open(paths);
    old.append(Buffer.from('0   0\n'), { lines: 1, failed: 0 });
    const heir = open(paths);
    expect(heir.lines).toBe(1);
    old.append(Buffer.from('1   late\n'), { lines: 1, failed: 0 });
    heir.append(Buffer.from('1   2\n'), { lines: 1, failed: 0 });
    expect(() => old.seal(true)).toThrow(SupersededError);
    old.close();
    expect(heir.seal(true).lines).toBe(2);
    heir.publish();
    heir.close();
    expect(readFileSync(paths.final, 'utf8')).toBe('0   0\n1   2\n');
  });

  test('can not publish after the heir has', () => {
    const paths = newPaths();
    const old = open(paths);
    const heir = open(paths);
    heir.append(Buffer.from('0   0\n'), { lines: 1, failed: 0 });
    heir.seal(true);
    heir.publish();
    heir.close();
    expect(() => old.seal(true)).toThrow(SupersededError);
    old.close();
    expect(readFileSync(paths.final, 'utf8')).toBe('0   0\n');
  });
});

describe('failed points', () => {
  test('are counted and listed', () => {
    const paths = newPaths();
    writePart(paths.part, `${failedLine(3)}4   1\n${failedLine(5)}6   "# failed 9"\n # failed 7\n`);
    appendFileSync(paths.part, '# failed');
    expect(countLines(paths.part)).toMatchObject({ lines: 5, failed: 2 });
    expect(readPart(paths, { ...TASK, start: 3 })).toMatchObject({ lines: 5, failed: [3, 5] });
  });

  test('that are torn are not listed', () => {
    const paths = newPaths();
    writePart(paths.part, failedLine(3));
    appendFileSync(paths.part, '# failed 4');
    expect(readPart(paths, { ...TASK, start: 3 }).failed).toEqual([3]);
  });

  test('take their new lines while the others stay', () => {
    const paths = newPaths();
    writePart(paths.part, `${failedLine(0)}1   2\n${failedLine(2)}${failedLine(3)}`);
    const file = open(
      paths,
      new Map([
        [2, '2   "é" 4\n'],
        [0, '0   0\n'],
        [7, 'not there\n'],
      ]),
    );
    expect([file.lines, file.failed]).toEqual([4, 1]);
    const text = `0   0\n1   2\n2   "é" 4\n${failedLine(3)}`;
    expect(file.seal(true)).toEqual({
      lines: 4,
      bytes: Buffer.byteLength(text),
      sha256: sha256(Buffer.from(text)),
    });
    file.close();
    expect(readFileSync(paths.part, 'utf8')).toBe(text);
  });
});

test('lines may be read from an offset', () => {
  const { part } = newPaths();
  writeFileSync(part, 'one\ntwo\nthree\ntorn');
  expect(countLines(part, 4)).toEqual({ lines: 2, failed: 0, offset: 14 });
  expect(countLines(part, 14)).toEqual({ lines: 0, failed: 0, offset: 14 });
  expect(Array.from(readWholeLines(part, 4), ({ bytes }) => bytes.toString()).join('')).toBe('two\nthree\n');
});

test('a file that is not there has no lines', () => {
  const paths = newPaths();
  expect(countLines(paths.part)).toEqual({ lines: 0, failed: 0, offset: 0 });
  expect(readPart(paths, TASK)).toEqual({ bytes: 0, lines: 0, failed: [] });
});

test('a folder that is not there is an error of the system', () => {
  const final = join(folder, 'none', 'task_index=0.txt');
  expect(() => open({ part: `${final}.part`, check: `${final}.part.check`, final })).toThrow('ENOENT');
});

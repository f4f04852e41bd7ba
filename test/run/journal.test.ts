import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { appendRecord, readRecords, repairJournal } from '../../src/run/journal.js';
import { testFolder } from './folder.js';

const folder = testFolder();
let files = 0;
const newPath = (): string => join(folder, `${String(files++)}.jsonl`);

const RECORDS = [
  { event: 'start', task: 0 },
  { error: 'line\nbreak, "quote", é日本😀' },
  { nested: { a: [1, 2] } },
];

function journal(): { path: string; bytes: Buffer } {
  const path = newPath();
  for (const record of RECORDS) appendRecord(path, record);
  return { path, bytes: readFileSync(path) };
}

const countNewlines = (bytes: Buffer): number => bytes.toString('latin1').split('\n').length - 1;

describe('a journal', () => {
  test('gives its records back in order, one line each', () => {
    const { path, bytes } = journal();
    expect(readRecords(path)).toEqual({ records: RECORDS, offset: bytes.length });
    expect(countNewlines(bytes)).toBe(RECORDS.length);
  });

  test('that is not there has no records', () => {
    expect(readRecords(newPath())).toEqual({ records: [], offset: 0 });
  });

  test('gives only what came after an offset', () => {
    const { path } = journal();
    const { offset } = readRecords(path);
    expect(readRecords(path, offset)).toEqual({ records: [], offset });
    appendRecord(path, { later: 1 }, { sync: true });
    const next = readRecords(path, offset);
    expect(next.records).toEqual([{ later: 1 }]);
    expect(readRecords(path, next.offset).records).toEqual([]);
  });

  test('cut off at any byte gives its whole lines, and goes on after the missing rest', () => {
    const { bytes } = journal();
    const path = newPath();
    for (let length = 0; length <= bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      const whole = countNewlines(bytes.subarray(0, length));
      const { records, offset } = readRecords(path);
      expect([length, records]).toEqual([length, RECORDS.slice(0, whole)]);
      appendFileSync(path, bytes.subarray(length));
      expect([length, readRecords(path, offset).records]).toEqual([length, RECORDS.slice(whole)]);
    }
  });

  test('cut off at any byte and repaired takes further records on lines of their own', () => {
    const { bytes } = journal();
    const path = newPath();
    for (let length = 0; length <= bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      const whole = countNewlines(bytes.subarray(0, length));
      repairJournal(path);
      expect(
        readFileSync(path).equals(bytes.subarray(0, bytes.subarray(0, length).lastIndexOf(10) + 1)),
      ).toBe(true);
      appendRecord(path, { after: length });
      expect(readRecords(path).records).toEqual([...RECORDS.slice(0, whole), { after: length }]);
    }
  });

  test.each([
    ['half a record', '{"a":1\n{"b":2}\n', [{ b: 2 }]],
    ['two records run together', '{"a":1}{"b":2}\n{"c":3}\n', [{ c: 3 }]],
    ['an empty line', '{"a":1}\n\n{"b":2}\n', [{ a: 1 }, { b: 2 }]],
    ['a number', '5\n', []],
    ['null', 'null\n', []],
    ['an array', '[1]\n', []],
    ['zero bytes', '\0\0\0\n{"a":1}\n', [{ a: 1 }]],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x0a]), []],
  ])('leaves out %s and keeps the records around it', (_, text, records) => {
    const path = newPath();
    writeFileSync(path, text);
    expect(readRecords(path)).toEqual({ records, offset: readFileSync(path).length });
  });

  test('torn at any byte takes the next record on a line of its own', () => {
    const { bytes } = journal();
    const path = newPath();
    for (let length = 0; length <= bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      appendRecord(path, { after: length });
      expect(readRecords(path).records.at(-1)).toEqual({ after: length });
    }
  });

  test('that is not there needs no repair', () => {
    const path = newPath();
    repairJournal(path);
    expect(readRecords(path).records).toEqual([]);
  });

  test('keeps the lines of several processes apart', async () => {
    const path = newPath();
    const code = `const { appendFileSync } = require('node:fs');
for (let i = 0; i < 300; i++) appendFileSync(${JSON.stringify(path)}, JSON.stringify({ who: process.argv[1], i, pad: 'x'.repeat(500) }) + '\\n');`;
    const children = ['a', 'b'].map((name) => spawn(process.execPath, ['-e', code, name]));
    for (let i = 0; i < 300; i++) appendRecord(path, { who: 'here', i });
    await Promise.all(children.map((child) => once(child, 'exit')));
    const records = readRecords(path).records as { who: string; i: number }[];
    expect(records).toHaveLength(900);
    for (const name of ['a', 'b', 'here']) {
      expect(records.filter(({ who }) => who === name).map(({ i }) => i)).toEqual(
        Array.from({ length: 300 }, (_, index) => index),
      );
    }
  });
});

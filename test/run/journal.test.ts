import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
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

/** The line of a record. */
function sealed(record: object): string {
  const path = newPath();
  appendRecord(path, record);
  return readFileSync(path, 'utf8');
}

const countNewlines = (bytes: Buffer): number => bytes.toString('latin1').split('\n').length - 1;

describe('a journal', () => {
  test('gives its records back in order, one line each', () => {
    const { path, bytes } = journal();
    expect(readRecords(path)).toEqual({ records: RECORDS, offset: bytes.length, damaged: 0 });
    expect(countNewlines(bytes)).toBe(RECORDS.length);
  });

  test('that is not there has no records', () => {
    expect(readRecords(newPath())).toEqual({ records: [], offset: 0, damaged: 0 });
  });

  test('gives only what came after an offset', () => {
    const { path } = journal();
    const { offset } = readRecords(path);
    expect(readRecords(path, offset)).toEqual({ records: [], offset, damaged: 0 });
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

  test('is cut to its whole lines though it be larger than any buffer, as a power cut may leave it', () => {
    const { path, bytes } = journal();
    truncateSync(path, bytes.length + 2 ** 31);
    repairJournal(path);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test('ends each line with the crc32 of what stands before it, and is JSON', () => {
    const path = newPath();
    appendRecord(path, { é: '\ud800' });
    const line = readFileSync(path, 'utf8');
    const body = '{"é":"\\ud800"';
    const crc = crc32(Buffer.from(body)).toString(16).padStart(8, '0');
    expect(line).toBe(`${body},"crc":"${crc}"}\n`);
    expect(JSON.parse(line)).toEqual({ é: '\ud800', crc });
  });

  test('with any bit flipped gives the records that are whole, and says that others are damaged', () => {
    const { bytes } = journal();
    const path = newPath();
    const lineAt = (at: number): number => countNewlines(bytes.subarray(0, at));
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const at = bit >> 3;
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(at) ^ (1 << (bit & 7)), at);
      writeFileSync(path, damaged);
      // Without its newline a line runs into the next one; the last one is then torn.
      const lost = bytes[at] === 10 ? [lineAt(at), lineAt(at) + 1] : [lineAt(at)];
      const found = readRecords(path);
      expect([bit, found.records]).toEqual([bit, RECORDS.filter((_, index) => !lost.includes(index))]);
      expect([bit, found.damaged > 0]).toEqual([bit, at !== bytes.length - 1]);
    }
  });

  test.each([
    ['half a record', '{"a":1\n'],
    ['two records run together', `${sealed({ a: 1 }).trim()}${sealed({ b: 2 })}`],
    ['a record without a checksum', '{"a":1}\n'],
    ['a checksum in capitals', sealed({ a: 1 }).replace(/[\da-f]{8}(?="\}\n$)/, (crc) => crc.toUpperCase())],
    ['a number', '5\n'],
    ['null', 'null\n'],
    ['an array', '[1]\n'],
    ['zero bytes', '\0\0\0\n'],
    ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x0a])],
  ])('leaves out %s, counts it, and keeps the records around it', (_, line) => {
    const path = newPath();
    writeFileSync(path, Buffer.concat([Buffer.from(`${sealed({ first: 1 })}\n`), Buffer.from(line)]));
    appendRecord(path, { last: 1 });
    expect(readRecords(path)).toEqual({
      records: [{ first: 1 }, { last: 1 }],
      offset: readFileSync(path).length,
      damaged: 1,
    });
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
const { crc32 } = require('node:zlib');
for (let i = 0; i < 300; i++) {
  const body = JSON.stringify({ who: process.argv[1], i, pad: 'x'.repeat(500) }).slice(0, -1);
  const crc = crc32(body).toString(16).padStart(8, '0');
  appendFileSync(${JSON.stringify(path)}, body + ',"crc":"' + crc + '"}\\n');
}`;
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

import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { outputFile, type OutputFile } from '../../../src/host/command/output-file.js';

const folder = fs.mkdtempSync(join(tmpdir(), 'fanfold-output-'));
const path = join(folder, 'stdout');
const MB = 1 << 20;
let file: OutputFile;

beforeEach(() => {
  file = outputFile(path, true);
});
afterAll(() => fs.remove(folder));

/** Prints so many bytes before a text. */
function print(bytes: number, text: string): void {
  fs.writeFileSync(path, '');
  fs.truncateSync(path, bytes);
  fs.appendFileSync(path, text);
}

function copied(): string {
  let text = '';
  file.copy((bytes) => {
    text += Buffer.from(bytes).toString('utf8');
  });
  return text;
}

describe('what a command prints', () => {
  test('is read as a whole, at its end, and copied', () => {
    expect([file.text(), file.end(), file.lastLines(), copied()]).toEqual(['', '', '', '']);
    const text = `${'é'.repeat(100_000)}\nlast\n`;
    print(0, text);
    expect([file.text() === text, copied() === text]).toEqual([true, true]);
    expect(file.end()).toMatch(/é\nlast\n$/);
    expect(file.lastLines()).toBe('last\n');
  });

  test('may be long where only its end is wanted', () => {
    print(100 * MB, '\nan error\n4.5\n\n');
    expect(file.lastLines()).toBe('an error\n4.5\n\n');
    expect(file.end()).toMatch(/\nan error\n4\.5\n\n$/);
    expect(() => file.text()).toThrow('Expected at most 64 MB');
  });

  test('has a last line of any length up to that of a result', () => {
    const line = '1 '.repeat(100_000);
    print(100 * MB, `\n${line}\n`);
    expect(file.lastLines() === `${line}\n`).toBe(true);
    print(0, line);
    expect(file.lastLines() === line).toBe(true);
    print(65 * MB, '1\n');
    expect(() => file.lastLines()).toThrow('Expected at most 64 MB');
  });

  test('has a last line before any number of blank ones', () => {
    print(0, `first\n4.5\n${'\n'.repeat(200_000)}`);
    expect(file.lastLines().trim()).toMatch(/4\.5$/);
  });
});

test.each([[true], [false]])('a file is empty for the next command (own: %p)', (isOwn) => {
  const files = outputFile(path, isOwn);
  const straggler = fs.openSync(path, 'a');
  fs.writeSync(straggler, 'before');
  files.empty();
  fs.appendFileSync(path, 'now');
  expect(files.text()).toBe('now');
  fs.writeSync(straggler, ' and late');
  fs.closeSync(straggler);
  expect(files.text()).toBe(isOwn ? 'now' : 'now and late');
});

test('a file that was never made is empty for the next command', () => {
  fs.removeSync(path);
  file.empty();
  expect(fs.readFileSync(path, 'utf8')).toBe('');
});

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { appendRecord, readRecords } from '../../../src/run/journal.js';
import { checkLine, readPart } from '../../../src/run/part.js';
import { failedLine } from '../../../src/run/whole-lines.js';
import { writePart } from '../../run/written-part.js';
import { testWith } from '../../tools.js';
import { newFolder, PYTHON } from './host.js';

const HOST = join(process.cwd(), 'src', 'host', 'python', 'host.py');
const BLOCKS = ['0   0\n', '1   2\n2   "é日"\n', failedLine(3), '4   8\n'];
/** As a part is left whose failed line was replaced when it was opened. */
const OPENED = `${BLOCKS.map((block) => checkLine(Buffer.from(block))).join('')}\n-${checkLine(Buffer.from(BLOCKS.join('')))}`;

// Damages a file in every way there is and says after each what the host makes of it.
const PROGRAM = `
import importlib.util, json, sys, types

spec = importlib.util.spec_from_file_location('host', sys.argv[1])
host = importlib.util.module_from_spec(spec)
spec.loader.exec_module(host)
directory, damaged = sys.argv[2:]
paths = host.Paths(types.SimpleNamespace(directory=directory, format='txt', element=None), 0)
task = {'start': 0, 'stop': 10, 'layout': {}}

def look():
    if damaged.endswith('.jsonl'):
        return list(host.read_records(damaged))
    return [sum(map(len, host.believed_lines(paths, task))), host.believed(paths, task)[1]]

def with_bytes(data):
    with open(damaged, 'wb') as file:
        file.write(data)
    return look()

with open(damaged, 'rb') as file:
    whole = file.read()
seen = [with_bytes(whole[:length]) for length in range(len(whole) + 1)]
for bit in range(8 * len(whole)):
    seen.append(with_bytes(whole[: bit >> 3] + bytes([whole[bit >> 3] ^ (1 << (bit & 7))]) + whole[(bit >> 3) + 1 :]))
print(json.dumps(seen))
`;

/** What both hosts make of a file damaged in every way, one list each. */
function bothSee(directory: string, damaged: string, look: () => unknown): [python: unknown, node: unknown] {
  const whole = readFileSync(damaged);
  const options = { encoding: 'utf8' as const, maxBuffer: 1 << 26 };
  const python: unknown = JSON.parse(
    execFileSync(PYTHON, ['-c', PROGRAM, HOST, directory, damaged], options),
  );
  const lookAt = (bytes: Buffer): unknown => {
    writeFileSync(damaged, bytes);
    return look();
  };
  const cut = Array.from({ length: whole.length + 1 }, (_, length) => lookAt(whole.subarray(0, length)));
  const flipped = Array.from({ length: 8 * whole.length }, (_, bit) => {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    return lookAt(bytes);
  });
  return [python, [...cut, ...flipped]];
}

describe('of a damaged file the Python host believes what that of node does', () => {
  for (const [title, name, checks] of [
    ['a part', 'part', undefined],
    ['a check file', 'part.check', undefined],
    ['a check file of two sections', 'part.check', OPENED],
  ] as const) {
    testWith('python3', title, () => {
      const directory = newFolder();
      const final = join(directory, 'task_index=0.txt');
      const files = { part: `${final}.part`, check: `${final}.part.check`, final };
      writePart(files.part, ...BLOCKS);
      if (checks !== undefined) writeFileSync(files.check, checks);
      const [python, node] = bothSee(directory, `${final}.${name}`, () => {
        const { bytes, failed } = readPart(files, { start: 0, stop: 10, hasLayout: true });
        return [bytes, failed];
      });
      expect(python).toEqual(node);
    });
  }

  testWith('python3', 'a journal', () => {
    const directory = newFolder();
    const journal = join(directory, 'retried.jsonl');
    for (const index of [3, 5]) appendRecord(journal, { index, line: `${String(index)}   "é"\n` });
    const [python, node] = bothSee(directory, journal, () => readRecords(journal).records);
    expect(python).toEqual(node);
  });
});

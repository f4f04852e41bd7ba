import { expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecorded, pieceOf } from '../../src/run/proof.js';
import { testFolder } from './folder.js';

const folder = testFolder();

test('a large file is held against its hash with signs of life in between', () => {
  const path = join(folder, 'result.txt');
  writeFileSync(path, Buffer.alloc(5 << 20, 'x'));
  let beats = 0;
  const beat = (): void => {
    beats++;
  };
  const piece = pieceOf(path, beat);
  expect([piece.bytes, beats]).toEqual([5 << 20, 5]);
  expect(isRecorded(path, piece, beat)).toBe(true);
  expect(beats).toBe(10);
  expect(isRecorded(path, { ...piece, sha256: '0' }, beat)).toBe(false);
});

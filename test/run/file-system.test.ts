import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import { fileLatencyMs, isOnNetwork } from '../../src/run/file-system.js';
import { testFolder } from './folder.js';

const folder = testFolder();

test('a file is waited for as long as is said, and not at all on a disk of this machine', () => {
  expect(isOnNetwork(join(folder, 'not', 'there'))).toBe(false);
  expect(fileLatencyMs(folder, undefined)).toBe(0);
  expect(fileLatencyMs(folder, 5)).toBe(5);
});

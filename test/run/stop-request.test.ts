import { expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requestStop, withdrawStop } from '../../src/run/stop-request.js';
import { testFolder } from './folder.js';

const folder = testFolder();

test('a request that came too late is taken back, and that for another holding is not', () => {
  const path = join(folder, 'stop');
  withdrawStop(path, 'one');
  requestStop(path, 'one', { isNow: false });
  withdrawStop(path, 'another');
  expect(existsSync(path)).toBe(true);
  withdrawStop(path, 'one');
  expect(existsSync(path)).toBe(false);
});

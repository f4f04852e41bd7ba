import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { testWith } from '../tools.js';
import {
  listProcesses,
  parsePs,
  proportionalBytes,
  PS_COLUMNS,
} from '../../src/engine/local/process-list.js';

describe('the list of processes', () => {
  testWith('procfs', 'has this one, with its parent and the memory that it holds', () => {
    const own = listProcesses()?.find(({ pid }) => pid === process.pid);
    expect(own).toMatchObject({ parent: process.ppid, started: expect.stringMatching(/^\d+$/) });
    const ratio = (own?.bytes ?? 0) / process.memoryUsage.rss();
    expect(Math.abs(ratio - 1)).toBeLessThan(0.3);
    expect(proportionalBytes(process.pid)).toBeLessThanOrEqual((own?.bytes ?? 0) * 1.3);
  });

  testWith('ps', 'is the same as that of ps, where there is no /proc', () => {
    const { stdout } = spawnSync('ps', ['-axo', PS_COLUMNS], { encoding: 'utf8' });
    const own = parsePs(stdout)?.find(({ pid }) => pid === process.pid);
    const found = listProcesses()?.find(({ pid }) => pid === process.pid);
    expect(own).toMatchObject({ parent: found?.parent, group: found?.group });
    expect(own?.bytes).toBeGreaterThan(1 << 20);
    // Of those under it that have ended only /proc tells.
    expect(own?.seconds).toBeLessThan((found?.seconds ?? 0) + 2);
  });

  test('leaves out what has ended', () => {
    expect(parsePs('  1 0 1 1024 Ss 1-00:01:02\n 7 1 7 0 Z 00:00:00\n 9 1 9 8 S 1:02.50\n')).toEqual([
      { pid: 1, parent: 0, group: 1, session: 0, started: '', bytes: 1 << 20, seconds: 86_462 },
      { pid: 9, parent: 1, group: 9, session: 0, started: '', bytes: 8192, seconds: 62.5 },
    ]);
    expect(parsePs('')).toBeUndefined();
    expect(parsePs(null)).toBeUndefined();
  });
});

import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { formatBytes, type OomKills, type Verdict } from '../../src/run/certificate.js';
import { readOomKills } from '../../src/run/oom-kills.js';
import { judgeDeath, judgeError, type Evidence } from '../../src/run/verdict.js';
import { join } from 'node:path';
import { testFolder } from './folder.js';

const NONE: OomKills = { machine: 3, cgroup: 0 };
const DEATH: Evidence = { exitStatus: null, signal: null, lastWords: '', before: NONE, after: NONE };

const folder = testFolder();

describe('the verdict on a death', () => {
  test.each<[string, Partial<Evidence>, Verdict]>([
    ['an exit status', { exitStatus: 7 }, 'your code'],
    ['SIGSEGV', { signal: 'SIGSEGV' }, 'your code'],
    ["V8's heap", { signal: 'SIGABRT', lastWords: 'JavaScript heap out of memory' }, 'memory'],
    ['SIGKILL, the cgroup counts a kill', { signal: 'SIGKILL', after: { machine: 3, cgroup: 1 } }, 'memory'],
    ['SIGKILL, the machine counts a kill', { signal: 'SIGKILL', after: { machine: 4, cgroup: 0 } }, 'memory'],
    ['SIGKILL, nobody counts', { signal: 'SIGKILL', before: {}, after: {} }, 'memory'],
    ['SIGKILL, no kill counted', { signal: 'SIGKILL' }, 'node'],
    ['SIGKILL at the end of the job', { signal: 'SIGKILL', timeLeftSeconds: -2 }, 'preempted'],
    ['SIGKILL well before the end of the job', { signal: 'SIGKILL', timeLeftSeconds: 20 }, 'node'],
    ['SIGTERM', { signal: 'SIGTERM' }, 'preempted'],
    ['an end that nobody saw', {}, 'node'],
  ])('%s', (_, change, verdict) => {
    const judged = judgeDeath({ ...DEATH, ...change });
    expect(judged.verdict).toBe(verdict);
    expect(judged.words).toMatch(new RegExp(`^${verdict}: .+`));
  });

  test('knows an exception that tells of memory', () => {
    expect(judgeError(new RangeError('Array buffer allocation failed'), null).verdict).toBe('memory');
    expect(judgeError(new TypeError('no'), null).verdict).toBe('your code');
  });

  test.each<[string, number | null, string]>([
    ['TypeError', null, 'it threw an error'],
    ['ResultError', null, 'its result could not be written'],
    ['CommandError', 3, 'it ended with exit status 3'],
    ['CommandError', 0, 'its result could not be read'],
    ['CommandError', null, 'it gave no result'],
  ])('says what happened: a %s with exit status %p', (name, status, words) => {
    expect(judgeError({ name, message: 'no' }, status).words).toBe(`your code: ${words}`);
  });
});

describe("the system's counters of processes killed for want of memory", () => {
  test.each([
    ['version 2', '0::/job\n', 'sys/fs/cgroup/job/memory.events', 'low 0\noom 5\noom_kill 2\n'],
    [
      'version 2 in a container',
      '0::/job\n',
      'sys/fs/cgroup/memory.events',
      'oom_kill 2\noom_group_kill 0\n',
    ],
    ['a name in another script', '0::/größe\n', 'sys/fs/cgroup/größe/memory.events', 'oom_kill 2\n'],
    [
      'version 1',
      '4:cpu,memory:/a/b\n',
      'sys/fs/cgroup/memory/a/b/memory.oom_control',
      'under_oom 0\noom_kill 2\n',
    ],
  ])('are read where the cgroup is of %s', (name, groups, path, text) => {
    const root = join(folder, name);
    fs.outputFileSync(`${root}/proc/self/cgroup`, groups);
    fs.outputFileSync(`${root}/proc/vmstat`, 'pgfault 12\noom_kill 7\n');
    fs.outputFileSync(`${root}/${path}`, text);
    expect(readOomKills(root)).toEqual({ machine: 7, cgroup: 2 });
  });

  test('are left out where there are none', () => {
    expect(readOomKills(join(folder, 'empty'))).toEqual({});
  });
});

test('memory is named in its largest unit', () => {
  expect([0, 1023, 1536, 2.1 * 2 ** 30, 300 * 2 ** 20, 2 ** 40].map(formatBytes)).toEqual([
    '0 bytes',
    '1023 bytes',
    '1.5 KiB',
    '2.1 GiB',
    '300 MiB',
    '1 TiB',
  ]);
});

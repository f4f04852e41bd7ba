import { describe, expect, test } from '@jest/globals';
import { FanfoldError } from '../../src/errors.js';
import { usableMemory } from '../../src/engine/local/usable-memory.js';
import { DEFAULT_LIMITS, withLimits } from '../../src/run/limits.js';
import { readLimits } from '../../src/sweep/limit-settings.js';
import { parseMaxFailures, parseMemory, parseOnError, parseRetries } from '../../src/sweep/limit-syntax.js';

describe('limits', () => {
  test.each<[string, number]>([
    ['2G', 2 * 2 ** 30],
    ['512M', 512 * 2 ** 20],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['2000 kb', 2000 * 1024],
    ['1m', 2 ** 20],
    ['1T', 2 ** 40],
    ['1048576B', 2 ** 20],
    ['50%', Math.floor(usableMemory() / 2)],
  ])('of memory are read: %s', (text, bytes) => {
    expect(parseMemory('--max-memory', text)).toBe(bytes);
  });

  test.each([
    '',
    '0',
    '10',
    '2147483648',
    '0.5M',
    '1000K',
    '4096B',
    '2BB',
    '5B%',
    '2X',
    '-1G',
    '0%',
    '101%',
    '1e9',
    'G',
    '5%B',
    '2GG',
    '1iB',
    '9999999999T',
  ])('of memory that make no sense are refused: %j', (text) => {
    expect(() => parseMemory('--max-memory', text)).toThrow(
      /^Expected --max-memory to be a size with a unit such as 500M or 2G, .* got/,
    );
  });

  test('of memory are bytes where the library is given a number', () => {
    expect(readLimits({ maxMemory: 2 ** 31 }).maxMemoryBytes).toBe(2 ** 31);
    for (const maxMemory of [10, NaN, -1, '10'])
      expect(() => readLimits({ maxMemory })).toThrow(/with a unit/);
  });

  test('of failures are a number or a share', () => {
    expect(parseMaxFailures('--max-failures', '0')).toEqual({ points: 0 });
    expect(parseMaxFailures('--max-failures', '12')).toEqual({ points: 12 });
    expect(parseMaxFailures('--max-failures', '2.5%')).toEqual({ percent: 2.5 });
    for (const text of ['', '-1', '1.5', '101%', '%', 'five', '1e3'])
      expect(() => parseMaxFailures('--max-failures', text)).toThrow(FanfoldError);
  });

  test('of retries may be 0, and what is done once a point fails has three names', () => {
    expect(parseRetries('--retries', '0')).toBe(0);
    expect(() => parseRetries('--retries', '1.5')).toThrow('Expected --retries to be an integer, 0 or more');
    expect(parseOnError('--on-error', 'nan')).toBe('nan');
    expect(() => parseOnError('onError', 'ignore')).toThrow('stop, continue or nan');
  });

  test('keep what is not given anew', () => {
    const begun = withLimits(DEFAULT_LIMITS, { retries: 3, timeoutMs: 500 });
    expect(withLimits(begun, { retries: 0, timeoutMs: undefined })).toEqual({
      ...DEFAULT_LIMITS,
      retries: 0,
      timeoutMs: 500,
    });
    expect(Object.keys(withLimits(DEFAULT_LIMITS, { timeoutMs: undefined }))).not.toContain('timeoutMs');
  });

  test('are options of the library, in seconds', () => {
    const given = readLimits({
      timeout: 2,
      retryDelay: 0,
      maxMemory: '1G',
      maxFailures: '5%',
      onError: 'nan',
    });
    expect(withLimits(DEFAULT_LIMITS, given)).toEqual({
      timeoutMs: 2000,
      retries: 1,
      retryDelayMs: 0,
      maxMemoryBytes: 2 ** 30,
      maxFailures: { percent: 5 },
      onError: 'nan',
    });
    expect(() => readLimits({ timeout: 0 })).toThrow('Expected timeout to be a positive number of seconds');
    expect(() => readLimits({ retryDelay: -1 })).toThrow('Expected retryDelay to be 0 or more seconds');
    expect(() => readLimits({ retries: -1 })).toThrow('Expected retries');
  });
});

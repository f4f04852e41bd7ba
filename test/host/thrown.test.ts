import { describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';
import { describeError } from '../../src/host/described-error.js';
import { readable } from '../../src/host/thrown.js';

const raise = (): never => {
  throw new TypeError('no');
};

const UNREADABLE: [string, () => unknown][] = [
  ['an error whose name is a symbol', () => Object.assign(new Error('x'), { name: Symbol('a') })],
  ['an error whose message is a symbol', () => Object.assign(new Error('x'), { message: Symbol('a') })],
  ['an error whose stack is an object', () => Object.assign(new Error('x'), { stack: { a: 1 } })],
  ['an error whose message throws', () => Object.defineProperty(new Error('x'), 'message', { get: raise })],
  ['an error whose stack throws', () => Object.defineProperty(new Error('x'), 'stack', { get: raise })],
  ['a proxy of which nothing can be read', () => new Proxy({}, { get: raise })],
  ['a proxy that has no prototype to ask for', () => new Proxy({}, { getPrototypeOf: raise })],
  ['an object that refuses to be shown', () => ({ [inspect.custom]: raise })],
  ['an object without a prototype', () => Object.create(null) as object],
  ['nothing', () => undefined],
  ['a symbol', () => Symbol('a')],
];

describe('readable', () => {
  test.each(UNREADABLE)('makes %s describable', (_, make) => {
    const { error, stack = '' } = describeError(readable(make()));
    expect(error).toMatch(/^(?:Error: |The worker threw )/);
    expect(typeof stack).toBe('string');
  });

  test('gives an error as it is', () => {
    const error = Object.assign(new RangeError('x'), { death: { status: null, signal: 'SIGKILL' } });
    expect(readable(error)).toBe(error);
    const thrown = { a: 1 };
    expect(readable(thrown)).toBe(thrown);
  });

  test('keeps what can be read', () => {
    const { error } = describeError(readable(Object.assign(new Error('x'), { stack: { a: 1 } })));
    expect(error).toBe('Error: x');
  });
});

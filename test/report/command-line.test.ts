import { expect, test } from '@jest/globals';
import { join, resolve } from 'node:path';
import { commandFor, shortPath } from '../../src/report/command-line.js';

test('a path is relative where it lies in the current folder, and whole elsewhere', () => {
  expect(shortPath(resolve('runs', 'x'))).toBe(join('runs', 'x'));
  expect(shortPath(resolve('..', 'x'))).toBe(resolve('..', 'x'));
  expect(shortPath(process.cwd())).toBe(process.cwd());
});

test('a command can be pasted into a shell, whatever the folder is called', () => {
  expect(commandFor('resume', resolve('runs', 'x-1'))).toBe('fanfold resume runs/x-1');
  expect(commandFor('retry', resolve("it's $(here)"))).toBe(`fanfold retry 'it'\\''s $(here)'`);
});

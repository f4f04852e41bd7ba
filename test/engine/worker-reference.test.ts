import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseWorkerReference } from '../../src/engine/worker-reference.js';
import { FanfoldError } from '../../src/errors.js';
import { temporaryFolder } from '../e2e/command.js';

describe('a worker reference', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'model.ts');
  fs.outputFileSync(file, '');
  fs.outputFileSync(join(folder, 'a:b.mjs'), '');

  test('is a file, and its default export', () => {
    expect(parseWorkerReference(file)).toEqual({ kind: 'module', file, export: 'default' });
  });

  test('may name an export behind a colon', () => {
    expect(parseWorkerReference(`${file}:energy`)).toEqual({ kind: 'module', file, export: 'energy' });
    expect(parseWorkerReference(`${file}:énergie_2`)).toEqual({ kind: 'module', file, export: 'énergie_2' });
  });

  test('may be a file URL', () => {
    expect(parseWorkerReference(pathToFileURL(file).href)).toEqual({
      kind: 'module',
      file,
      export: 'default',
    });
  });

  test('may be a file whose own name holds a colon', () => {
    const odd = join(folder, 'a:b.mjs');
    expect(parseWorkerReference(odd)).toEqual({ kind: 'module', file: odd, export: 'default' });
    expect(parseWorkerReference(`${odd}:f`)).toEqual({ kind: 'module', file: odd, export: 'f' });
  });

  test.each([['nowhere.ts'], [folder], [join(folder, 'model.txt')]])(
    'of no module is refused: %s',
    (text) => {
      fs.outputFileSync(join(folder, 'model.txt'), '');
      expect(() => parseWorkerReference(text)).toThrow(FanfoldError);
    },
  );
});

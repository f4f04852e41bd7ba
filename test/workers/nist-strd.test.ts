import { readFileSync } from 'node:fs';

import { describe, expect, test } from '@jest/globals';

import { DATASETS, parseProblem, problem } from '../../workers/nist-strd.js';

const MISRA1A = readFileSync(new URL('../../data/nist-strd/Misra1a.dat', import.meta.url), 'utf8');

describe('the files of NIST StRD', () => {
  test.each([
    ['Misra1a', 2, 14],
    ['Eckerle4', 3, 35],
    ['Rat43', 4, 15],
    ['MGH09', 4, 11],
    ['Hahn1', 7, 236],
    ['Thurber', 7, 37],
  ] as const)('%s has %i parameters and %i observations', (dataset, parameters, observations) => {
    const { certified, observations: read } = problem(dataset);
    expect(certified.parameters).toHaveLength(parameters);
    expect(certified.standardDeviations).toHaveLength(parameters);
    expect(read).toHaveLength(observations);
  });

  test('values, deviations and observations are those printed in the file', () => {
    const { certified, observations } = problem('Misra1a');
    expect(certified).toEqual({
      parameters: [238.94212918, 0.00055015643181],
      standardDeviations: [2.7070075241, 0.0000072668688436],
      residualSumOfSquares: 0.12455138894,
    });
    expect(observations[0]).toEqual({ x: 77.6, y: 10.07 });
    expect(observations.at(-1)).toEqual({ x: 760, y: 81.78 });
  });

  test('a number without a digit before its point is read', () => {
    expect(problem('Hahn1').observations[0]).toEqual({ x: 24.41, y: 0.591 });
  });

  test('a file is read once in a process', () => {
    for (const dataset of DATASETS) expect(problem(dataset)).toBe(problem(dataset));
  });

  test('line ends of Windows make no difference', () => {
    expect(parseProblem(MISRA1A.replaceAll('\n', '\r\n'))).toEqual(problem('Misra1a'));
  });

  test.each([
    ['a missing observation', MISRA1A.trimEnd().slice(0, -24), 'Expected 14 observations, found 13.'],
    ['a cut observation', MISRA1A.trimEnd().slice(0, -10), 'Expected a number, found "the end of the line".'],
    ['a word for a number', MISRA1A.replace('77.6E0', 'n/a'), 'Expected a number, found "n/a".'],
    ['no header before the data', MISRA1A.replace(/^Data: +y.*$/m, ''), 'Expected a line "Data: y x"'],
    [
      'no residual sum',
      MISRA1A.replace('Residual Sum', 'Sum'),
      'Expected a line "Residual Sum of Squares: …"',
    ],
    ['no parameters', MISRA1A.replaceAll(/ b\d =/g, ''), 'Expected lines "b1 = start start value deviation"'],
  ])('%s is an error', (_, text, message) => {
    expect(() => parseProblem(text)).toThrow(message);
  });
});

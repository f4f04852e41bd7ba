import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FanfoldError } from '../../src/errors.js';
import type { Value } from '../../src/format/value.js';
import { parseFixed, parseRange, parseValues } from '../../src/space/values-syntax.js';
import { anyText, oneOf } from '../format/text.js';

const read = (text: string): [string, ...Value[]] => {
  const values = parseValues(text, '--param x');
  return [values.dtype, ...values];
};

function messageOf(text: string): string {
  try {
    parseValues(text, '--param x');
  } catch (error) {
    if (error instanceof FanfoldError) return error.message;
    throw error;
  }
  return 'nothing was thrown';
}

describe('lists', () => {
  test.each<[string, [string, ...Value[]]]>([
    ['1,2,5', ['int64', 1, 2, 5]],
    ['1, 2 ,5', ['int64', 1, 2, 5]],
    ['1', ['int64', 1]],
    ['0,0.5', ['float64', 0, 0.5]],
    ['true,false', ['bool', true, false]],
    ['up,down', ['string', 'up', 'down']],
    ['spin up, spin down', ['string', 'spin up', 'spin down']],
    ['"a,b",c', ['string', 'a,b', 'c']],
    ['"1","2"', ['string', '1', '2']],
    ['"",a', ['string', '', 'a']],
    ['" a "', ['string', ' a ']],
    ['"say \\"hi\\"",b', ['string', 'say "hi"', 'b']],
    ['"line\\nbreak"', ['string', 'line\nbreak']],
    ['"C:\\data"', ['string', 'C:\\data']],
    ['"0:5"', ['string', '0:5']],
    ['"linspace(0,1,3)"', ['string', 'linspace(0,1,3)']],
  ])('%s is %p', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test.each(['', ' ', ',', '1,', ',1', '1,,2', '1, ,2'])('the empty value in %j is refused', (text) => {
    expect(messageOf(text)).toMatch(/^Expected --param x to be start:stop\[:step\], linspace\(a,b,n\), /);
    expect(messageOf(text)).toContain(`got an empty value in "${text}". An empty string is written "".`);
  });

  test.each(['"abc', 'a"b,c', '5"', '1,"2', '"', '"a\\"'])(
    'the quote in %s that is not closed is refused, not left out',
    (text) => {
      expect(messageOf(text)).toContain('Expected --param x to be ');
      expect(messageOf(text)).toContain(`got a quote that is not closed in "${text}"`);
    },
  );
});

describe('ranges', () => {
  test.each<[string, [string, ...Value[]]]>([
    ['0:3', ['int64', 0, 1, 2]],
    ['0:6:2', ['int64', 0, 2, 4]],
    ['3:0:-1', ['int64', 3, 2, 1]],
    [' 0 : 3 ', ['int64', 0, 1, 2]],
    ['0:1:0.25', ['float64', 0, 0.25, 0.5, 0.75]],
    ['0.:3', ['float64', 0, 1, 2]],
    ['0:3:1e0', ['float64', 0, 1, 2]],
    ['9007199254740992:9007199254740994', ['int64', 9007199254740992n, 9007199254740993n]],
  ])('%s is %p', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test.each<[string, string]>([
    ['a:b', '"a" is not a finite number'],
    ['0:nan', '"nan" is not a finite number'],
    ['inf:1', '"inf" is not a finite number'],
    ['0:1e999', '"1e999" is not a finite number'],
    ['0:', '"" is not a finite number'],
    [':5', '"" is not a finite number'],
    ['0:1:', '"" is not a finite number'],
    ['0:true', '"true" is not a finite number'],
    ['0:1:2:x', '"x" is not a finite number'],
    ['1:2:3:4', 'got "1:2:3:4".'],
    ['12:30:00:00', 'got "12:30:00:00".'],
  ])('%s is refused, and the message shows what was expected and what came', (text, got) => {
    expect(messageOf(text)).toContain(
      'Expected --param x to be start:stop[:step] with finite numbers, such as 0:17 or 0:1:0.1, ',
    );
    expect(messageOf(text)).toContain(`got "${text}"`);
    expect(messageOf(text)).toContain(got);
  });

  test.each<[string, string]>([
    ['0:0', 'got none, because its start is its stop'],
    ['5:1', 'got none, because its step leads away from its stop'],
    ['0:5:0', 'Expected the step of the range 0:5:0 to be other than 0, got 0'],
    ['0:1:1e-400', 'to be other than 0, got 0'],
    ['0:9223372036854775808', 'Expected integers that fit in int64, got 9223372036854775808'],
  ])('%s is refused by the rules of arange', (text, got) => {
    expect(messageOf(text)).toContain(got);
  });

  test('a lone number is no range for --range', () => {
    expect(() => parseRange('17', '--range')).toThrow(FanfoldError);
    expect(() => parseRange('17', '--range')).toThrow(
      'Expected --range to be start:stop[:step] with finite numbers, such as 0:17 or 0:1:0.1, got "17".',
    );
  });
});

describe('functions', () => {
  test.each<[string, [string, ...Value[]]]>([
    ['linspace(0,1,3)', ['float64', 0, 0.5, 1]],
    [' linspace ( 0 , 1 , 3 ) ', ['float64', 0, 0.5, 1]],
    ['linspace(0,1,3.0)', ['float64', 0, 0.5, 1]],
    ['logspace(-1,1,3)', ['float64', 0.1, 1, 10]],
    ['geomspace(1,100,3)', ['float64', 1, 10, 100]],
  ])('%s is %p', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  test.each([
    'linspace(0,1)',
    'linspace()',
    'linspace(0,1,3,4)',
    'linspace(a,1,3)',
    'linspace(0,2*pi,7)',
    'linspace(,,)',
    'arange(0,1,0.1)',
    'constructor(1,2,3)',
    'linspace(0,1',
    'linspace(0,1,3),5',
    'linspace(0,(1),3)',
    'logspace(0,1,3',
  ])('%s is refused, and the message shows the syntax', (text) => {
    expect(messageOf(text)).toMatch(
      /^Expected --param x to be start:stop\[:step\], linspace\(a,b,n\), logspace\(a,b,n\), geomspace\(a,b,n\), or a list/,
    );
    expect(messageOf(text)).toContain(`got "${text.replace(/\s/g, '')}"`);
  });

  test.each<[string, string]>([
    ['linspace(0,1,0)', 'Expected the number of values of linspace to be a positive integer, got 0'],
    ['linspace(0,1,2.5)', 'to be a positive integer, got 2.5'],
    ['linspace(nan,1,3)', 'Expected the ends of linspace to be finite numbers'],
    ['geomspace(0,1,3)', 'Expected the ends of geomspace to be other than 0'],
  ])('%s is refused by the rules of the function', (text, got) => {
    expect(messageOf(text)).toContain(got);
  });
});

describe('any text', () => {
  const syntaxLike = fc.string({
    unit: oneOf('0123456789:,."\\-+e() ntlinspacegeologarange'),
    maxLength: 20,
  });

  test('gives values or a FanfoldError, never another error', () => {
    fc.assert(
      fc.property(fc.oneof(anyText(), syntaxLike), (text) => {
        let size: number;
        try {
          size = parseValues(text, '--param x').size;
        } catch (error) {
          expect(error).toBeInstanceOf(FanfoldError);
          return;
        }
        expect(size).toBeGreaterThan(0);
      }),
      { numRuns: 5000 },
    );
  });

  test('in quotes as JSON is one string', () => {
    fc.assert(
      fc.property(fc.array(anyText(), { minLength: 1, maxLength: 4 }), (texts) => {
        expect(read(texts.map((text) => JSON.stringify(text)).join(','))).toEqual(['string', ...texts]);
      }),
      { numRuns: 1000 },
    );
  });

  test('of 100 000 characters is read in no time', () => {
    const started = process.cpuUsage().user;
    const pieces = ['1', '"', 'a(', ' ', '1,', 'linspace(', '1:', '""', '1e', '_'];
    for (const text of pieces.map((piece) => piece.repeat(1e5 / piece.length))) {
      for (const end of ['', '!', '"', ')']) messageOf(`${text}${end}`);
    }
    expect((process.cpuUsage().user - started) / 1000).toBeLessThan(3000);
  });
});

describe('--set', () => {
  test.each<[string, [string, Value]]>([
    ['5', ['int64', 5]],
    ['0.5', ['float64', 0.5]],
    ['true', ['bool', true]],
    ['a,b', ['string', 'a,b']],
    ['"5"', ['string', '5']],
    ['', ['string', '']],
    ['0:5', ['string', '0:5']],
    ['9007199254740993', ['int64', 9007199254740993n]],
  ])('%j is %p', (text, expected) => {
    const values = parseFixed(text);
    expect([values.dtype, ...values]).toEqual(expected);
  });
});

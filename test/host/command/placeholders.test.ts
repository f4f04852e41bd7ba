import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fillTemplate, namesIn, parseTemplate } from '../../../src/host/command/placeholders.js';
import { anyText } from '../../format/text.js';

const fill = (text: string): string => fillTemplate(parseTemplate(text), (name) => `<${name}>`);

describe('a placeholder', () => {
  test.each([
    ['{T}', '<T>'],
    ['--T={T}', '--T=<T>'],
    ['{T}{U}', '<T><U>'],
    ['{a}_{b}.txt', '<a>_<b>.txt'],
    ['{β_2}', '<β_2>'],
    ['{{T}}', '{T}'],
    ['{{{T}}}', '{<T>}'],
    ['{{{{T}}}}', '{{T}}'],
    ['\\frac{{{T}}}{2}', '\\frac{<T>}{2}'],
  ])('of %j becomes %j', (text, expected) => {
    expect(fill(text)).toBe(expected);
  });

  test.each([
    '',
    '{}',
    '{ T }',
    '{print $1}',
    '{"a":1}',
    '{1}',
    '{2x}',
    '{a-b}',
    'T}',
    '{T',
    '{{print $1}}',
    '}{',
    '{if(x){y;}}',
  ])('is not seen in %j', (text) => {
    expect(namesIn(parseTemplate(text))).toEqual([]);
    expect(fill(text)).toBe(text);
  });

  test('stands inside JSON, whose own braces stay', () => {
    expect(fill('{"a":{"T":{T}}}')).toBe('{"a":{"T":<T>}}');
    expect(fill('{"a":{"T":{T}},"b":{U}}')).toBe('{"a":{"T":<T>},"b":<U>}');
  });

  test('takes any value as it is, even one that looks like a placeholder', () => {
    fc.assert(
      fc.property(anyText(), anyText(), (before, value) => {
        const plain = before.replace(/[{}]/g, '');
        expect(fillTemplate(parseTemplate(`${plain}{T}`), () => value)).toBe(`${plain}${value}`);
      }),
    );
  });
});

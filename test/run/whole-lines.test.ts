import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countLines, readWholeLines } from '../../src/run/whole-lines.js';
import { testFolder } from './folder.js';

const folder = testFolder();

// Lines about as long as what is read at once, and much shorter and longer ones.
const lengths = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: (1 << 14) - 3, max: (1 << 14) + 3 }),
  fc.integer({ min: (1 << 20) - 3, max: (1 << 20) + 3 }),
);

test('a file is read as its whole lines, whatever their lengths', () => {
  const path = join(folder, 'lines');
  fc.assert(
    fc.property(fc.array(lengths, { maxLength: 6 }), fc.nat({ max: 20 }), (each, torn) => {
      const lines = each.map((length, index) => `${String(index).repeat(length)}\n`).join('');
      writeFileSync(path, lines + 'x'.repeat(torn));
      const found = [...readWholeLines(path, 0)].map(({ bytes }) => bytes.toString()).join('');
      expect(found === lines).toBe(true);
      expect(countLines(path)).toEqual({ lines: each.length, failed: 0, offset: lines.length });
    }),
    { numRuns: 40 },
  );
});

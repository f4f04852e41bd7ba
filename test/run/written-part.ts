import { writeFileSync } from 'node:fs';
import { checkLine } from '../../src/run/part.js';

/** Writes a part and its check file as a host does that appends each of the texts in one go. */
export function writePart(part: string, ...blocks: readonly string[]): void {
  const written = blocks.map((block) => Buffer.from(block));
  writeFileSync(part, Buffer.concat(written));
  writeFileSync(`${part}.check`, written.map(checkLine).join(''));
}

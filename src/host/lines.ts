import type { Readable } from 'node:stream';

/** The line of a stream that is not whole yet. */
export interface TornLine {
  readonly length: () => number;
  readonly text: () => string;
}

/**
 * Calls `onLine` for every line of a stream, and nothing for a torn last one.
 * @returns what there is of the line that is not whole yet
 */
export function readLines(stream: Readable, onLine: (line: string) => void): TornLine {
  // Pieces of a line are joined once: a long one comes in thousands.
  let pieces: string[] = [];
  let length = 0;
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      pieces.push(line);
      const whole = pieces.length === 1 ? line : pieces.join('');
      pieces = [];
      length = 0;
      onLine(whole);
    }
    if (rest === '') return;
    pieces.push(rest);
    length += rest.length;
  });
  return { length: () => length, text: () => pieces.join('') };
}

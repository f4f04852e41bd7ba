import type { Readable } from 'node:stream';

/** Calls `onLine` for every line of a stream, and nothing for a torn last one. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  // Pieces of a line are joined once: a long one comes in thousands.
  let pieces: string[] = [];
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = text.split('\n');
    const rest = lines.pop() ?? '';
    for (const line of lines) {
      pieces.push(line);
      const whole = pieces.length === 1 ? line : pieces.join('');
      pieces = [];
      onLine(whole);
    }
    if (rest !== '') pieces.push(rest);
  });
}

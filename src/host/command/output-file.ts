import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Takes what programs print into the log of the task in hand. */
export type WriteLog = (bytes: Uint8Array) => void;

/** As much of what a command prints as is read as its result. */
const MOST_RESULT_BYTES = 64 << 20;
const END_BYTES = 1 << 16;
const BLOCK_BYTES = 1 << 16;

/**
 * A file that takes what one command after another prints: unlike a pipe it is no one's to empty while a command runs,
 * and costs one read for a command that prints nothing.
 */
export interface OutputFile {
  readonly path: string;
  /** All of it. Throws where that is too long for a result. */
  readonly text: () => string;
  /** The last 64 kB. */
  readonly end: () => string;
  /** Hands all of it over, in blocks. */
  copy(write: WriteLog): void;
  close(): void;
}

export function outputFile(path: string): OutputFile {
  const file = openSync(path, 'w+');
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  const read = (from: number): string => {
    const parts: Buffer[] = [];
    for (let position = from; ;) {
      const count = readSync(file, block, 0, BLOCK_BYTES, position);
      if (count > 0) parts.push(Buffer.from(block.subarray(0, count)));
      if (count < BLOCK_BYTES) return Buffer.concat(parts).toString('utf8');
      position += count;
      if (position > MOST_RESULT_BYTES) {
        throw new Error(
          `Expected at most ${String(MOST_RESULT_BYTES >> 20)} MB on its stdout, got more: let it write into a file in {out}, or use --result last-line.`,
        );
      }
    }
  };
  return {
    path,
    text: () => read(0),
    end: () => read(Math.max(0, fstatSync(file).size - END_BYTES)),
    copy: (write) => {
      for (let position = 0; ;) {
        const count = readSync(file, block, 0, BLOCK_BYTES, position);
        if (count > 0) write(block.subarray(0, count));
        if (count < BLOCK_BYTES) return;
        position += count;
      }
    },
    close: () => {
      closeSync(file);
    },
  };
}

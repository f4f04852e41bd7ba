import { printable } from './printable.js';

let write = toStderr;

/** Says something to the user, on stderr: above the bars where some are drawn there. */
export function tell(text: string): void {
  write(`${printable(text)}\n`);
}

/**
 * Has what is told written in another way, such as above bars that are drawn on the same terminal.
 * @returns a function that ends this
 */
export function tellThrough(other: (text: string) => void): () => void {
  write = other;
  return () => {
    write = toStderr;
  };
}

// --- internal ---

function toStderr(text: string): void {
  // After a hang-up there is no terminal to tell.
  process.stderr.write(text, () => undefined);
}

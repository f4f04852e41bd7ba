import { printable } from '../report/printable.js';

/** Says something to the user, on stderr. */
export function tell(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

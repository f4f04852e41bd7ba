/**
 * The code of a worker that marks each point that it computes in a folder, and waits at the third of a task of four until a
 * file named `gate` is there.
 */
export const GATED = `
import { appendFileSync, existsSync } from 'node:fs';
export default async ({ x, folder }) => {
  appendFileSync(folder + '/x=' + x, '.');
  while (x % 4 === 2 && !existsSync(folder + '/gate')) await new Promise((r) => setTimeout(r, 20));
  return 2 * x;
};
`;

/**
 * Twice the parameter: the smallest worker there is, after section 6 of the article. It has no schema and imports
 * nothing, so a process that runs it is ready as early as one can be.
 *
 *     x   any number, no unit
 *     →   2 x
 */
export default function double({ x }: { x: number }): number {
  return 2 * x;
}

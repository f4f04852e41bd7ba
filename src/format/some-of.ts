const MOST_NAMED = 5;

/** The first few names: `a, b, c, d, e and 7 more`. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).join(', ');
  return names.length > MOST_NAMED ? `${shown} and ${String(names.length - MOST_NAMED)} more` : shown;
}

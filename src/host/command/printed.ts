const SHOWN_CHARACTERS = 1000;

/** The beginning of what a program printed, for a message. */
export function printedBeginning(text: string): string {
  const trimmed = text.trim();
  return trimmed.length > SHOWN_CHARACTERS ? `${trimmed.slice(0, SHOWN_CHARACTERS)} …` : trimmed;
}

/** The end of what a program printed, for a message. */
export function printedEnd(text: string): string {
  const trimmed = text.trim();
  return trimmed.length > SHOWN_CHARACTERS ? `… ${trimmed.slice(-SHOWN_CHARACTERS)}` : trimmed;
}

/** A text of at most so many characters and a mark: its middle is left out where it is too long to be read. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = most / 2;
  return `${text.slice(0, half)} … ${text.slice(-half)}`;
}

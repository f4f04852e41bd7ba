import type { Complex } from './value.js';

/**
 * A float64 as NumPy's `str(np.float64)` prints it: the shortest digits that round-trip; positional for 0 and
 * 1e-4 <= |v| < 1e16, with `.0` on whole values; otherwise an exponent with a sign and at least two digits.
 */
export function formatFloat64(value: number): string {
  const text = formatPart(value);
  return isWholeText(value) ? `${text}.0` : text;
}

/**
 * A complex128 as NumPy prints it: the parts carry no `.0`; a real part of +0 prints the imaginary part alone.
 */
export function formatComplex128({ re, im }: Complex): string {
  const imaginary = formatPart(im);
  if (Object.is(re, 0)) return `${imaginary}j`;
  const sign = imaginary.startsWith('-') ? '' : '+';
  return `(${formatPart(re)}${sign}${imaginary}j)`;
}

// --- internal ---

function isWholeText(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) < 1e16;
}

/** The shared digits: those of a float64 without the `.0`. */
function formatPart(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (size === Infinity) return value > 0 ? 'inf' : '-inf';
  if (value !== value) return 'nan';
  return padExponent(value.toExponential());
}

/** JavaScript writes `1e-7` where C and NumPy write `1e-07`. */
function padExponent(text: string): string {
  return /e[+-]\d$/.test(text) ? `${text.slice(0, -1)}0${text.slice(-1)}` : text;
}

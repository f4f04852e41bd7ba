import type { DeclaredColumns } from '../../src/format/layout.js';
import type { Dtype, Scalar } from '../../src/format/value.js';
import { fromBits } from './bits.js';

// The reference files that the real guan wrote, and what it was given to write.

type GoldenItem =
  | { t: 'int' | 'str'; v: string }
  | { t: 'float'; bits: string }
  | { t: 'complex'; re: { bits: string }; im: { bits: string } };

interface GoldenArray {
  readonly dtype?: string;
  readonly shape?: readonly number[];
  readonly flat?: readonly GoldenItem[];
  readonly items?: readonly GoldenItem[];
  /** What NumPy made of a list. */
  readonly as_ndarray?: GoldenArray;
}

export interface Golden {
  readonly x: GoldenArray;
  readonly y: GoldenArray;
}

export const GOLDEN_NAMES = [
  'int_arange_0_17_1',
  'float_arange_0_1_0.1',
  'linspace_0_2pi_7_sin',
  'float_specials',
  'complex_y',
  'mixed_int_float_list',
  'string_x',
  'y2d_float_n3',
];

export function dtypeOf(array: GoldenArray): Dtype {
  const name = (array.as_ndarray ?? array).dtype ?? '';
  return name.startsWith('<U') ? 'string' : (name as Dtype);
}

/** The values as they were given to guan: those of a list before NumPy made an array of it. */
export function valuesOf(array: GoldenArray): Scalar[] {
  return (array.items ?? array.flat ?? []).map((item) => {
    if (item.t === 'complex') return { re: fromBits(item.re.bits), im: fromBits(item.im.bits) };
    if (item.t === 'float') return fromBits(item.bits);
    return item.t === 'int' ? Number(item.v) : item.v;
  });
}

export function resultsOf(y: GoldenArray): (Scalar | Scalar[])[] {
  const flat = valuesOf(y);
  const [rows = flat.length, width] = y.shape ?? [];
  if (width === undefined) return flat;
  return Array.from({ length: rows }, (_, row) => flat.slice(row * width, (row + 1) * width));
}

export function declare(y: GoldenArray): DeclaredColumns {
  const [, width] = y.shape ?? [];
  if (width === undefined) return { y: dtypeOf(y) };
  return Object.fromEntries(Array.from({ length: width }, (_, index) => [`y${String(index)}`, dtypeOf(y)]));
}

import { usage } from '../errors.js';

/** Options that make no sense somewhere, by their keys: as they are written, and what to use instead. */
export type RefusedOptions = Readonly<Record<string, { readonly flags: string; readonly instead: string }>>;

/**
 * Refuses options.
 * @param where.right where they make sense, and `where.here`: where they were given
 * @throws FanfoldError naming what to use instead
 */
export function refuseOptions(
  options: object,
  refused: RefusedOptions,
  { right, here }: { readonly right: string; readonly here: string },
): void {
  for (const [key, { flags, instead }] of Object.entries(refused)) {
    if (Reflect.get(options, key) === undefined) continue;
    const name = /--[\w-]+/.exec(flags)?.[0] ?? flags;
    throw usage(`Expected ${name} with ${right}, got it with ${here}: ${instead}.`);
  }
}

import { messageOf, systemCode } from '../errors.js';

/** The system refused something that the host does itself, such as to write a line: that ends the run, and fails no point. */
export class OwnError extends Error {
  override readonly name = 'OwnError';
  /** Where, if not in the run directory. */
  readonly place: string | undefined;

  constructor(cause: unknown, place?: string) {
    super(messageOf(cause), { cause });
    this.place = place;
  }
}

/** Where a folder is that is not the run's. */
export function temporaryPlace(folder: string): string {
  return `the temporary folder ${folder} (TMPDIR)`;
}

/**
 * Does what the host does itself while a point is in hand.
 * @throws OwnError where the system refuses it
 */
export function own<T>(work: () => T, place?: string): T {
  try {
    return work();
  } catch (error) {
    throw systemCode(error) === undefined || error instanceof OwnError ? error : new OwnError(error, place);
  }
}

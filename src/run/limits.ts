/** The most points that may fail before a run stops early: so many, or such a share of all. */
export type MaxFailures = { readonly points: number } | { readonly percent: number };

/** What a run does once a point has failed: it ends, goes on, or writes nan in the place of its result. */
export type OnError = 'stop' | 'continue' | 'nan';

/** What points and their processes may take, and what becomes of those that take more. Kept in the manifest. */
export interface Limits {
  /** The longest that a point may take, in milliseconds. */
  readonly timeoutMs?: number;
  /** How often a point is tried again that ended its process. */
  readonly retries: number;
  /** The wait before the first of these, in milliseconds; it doubles each time. */
  readonly retryDelayMs: number;
  /** The most memory that a host and everything under it may hold, in bytes. */
  readonly maxMemoryBytes?: number;
  readonly maxFailures?: MaxFailures;
  readonly onError: OnError;
}

/** Limits as a user names them: only some, or none. */
export type GivenLimits = { readonly [Name in keyof Limits]?: Limits[Name] | undefined };

export const DEFAULT_LIMITS: Limits = { retries: 1, retryDelayMs: 500, onError: 'continue' };

/** The limits with those put in that are given. */
export function withLimits(limits: Limits, given: GivenLimits): Limits {
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...limits, ...(Object.fromEntries(named) as Partial<Limits>) };
}

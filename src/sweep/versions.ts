import type { Manifest } from '../run/manifest.js';
import { VERSION } from '../version.js';

type Versions = Manifest['versions'];

/** The versions of all that computes now. */
export function versionsNow(python: string | undefined): Versions {
  return {
    fanfold: VERSION,
    node: process.versions.node,
    ...(python === undefined ? {} : { python }),
  };
}

/**
 * What the manifest says of versions where a run is gone on with by others: the new ones, and the earlier with the time
 * until which they computed.
 * @param onNotice called with a line that names both
 */
export function changedVersions(
  { versions, earlierVersions = [] }: Manifest,
  now: Versions,
  onNotice: (text: string) => void = () => undefined,
): Partial<Pick<Manifest, 'versions' | 'earlierVersions'>> {
  const changes = NAMES.flatMap(([key, name]) => {
    const [before = 'none', after = 'none'] = [versions[key], now[key]];
    return before === after ? [] : [`${name} ${before}, now ${after}`];
  });
  if (changes.length === 0) return {};
  onNotice(
    `Warning: this run was begun with ${changes.join(', and ')}: their results may differ in the last bits.`,
  );
  return {
    versions: now,
    earlierVersions: [...earlierVersions, { ...versions, until: new Date().toISOString() }],
  };
}

// --- internal ---

const NAMES = [
  ['node', 'Node'],
  ['python', 'Python'],
  ['fanfold', 'fanfold'],
] as const;

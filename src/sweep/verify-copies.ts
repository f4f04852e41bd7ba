import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { FanfoldError } from '../errors.js';
import { parseStored } from '../run/manifest-text.js';
import type { Manifest } from '../run/manifest.js';
import type { RunPaths } from '../run/paths.js';
import { sha256 } from '../sha256.js';
import { needsPoints, spaceFrom } from '../space/definition.js';
import { parsePoints, pointsColumns, pointsText } from '../space/points-columns.js';
import type { Problem } from './verify-files.js';

/** Checks the manifest and its copy, the run's own copy of a module, and that of the points file. */
export function checkCopies(paths: RunPaths, manifest: Manifest): Problem[] {
  return [
    ...checkManifests(paths),
    ...checkFile(paths.workerModule, manifest.worker.module !== undefined, (text) =>
      sha256(text) === manifest.worker.module
        ? undefined
        : 'it is not the worker that the run was begun with',
    ),
    ...checkFile(paths.points, needsPoints(manifest.spec.space), (text) => faultOfPoints(text, manifest)),
  ];
}

// --- internal ---

function checkManifests({ manifest, manifestCopy }: RunPaths): Problem[] {
  const problems = [manifest, manifestCopy].flatMap((path) =>
    checkFile(path, true, (text) => parseStored(Buffer.from(text)).reason),
  );
  if (problems.length > 0) return problems;
  const isSame = readFileSync(manifest).equals(readFileSync(manifestCopy));
  const text = `its bytes are not those of ${basename(manifest)}`;
  return isSame ? [] : [{ file: basename(manifestCopy), kind: 'edited', text }];
}

/** @param faultOf what is wrong with a text, undefined where nothing is */
function checkFile(
  path: string,
  isNeeded: boolean,
  faultOf: (text: string) => string | undefined,
): Problem[] {
  const file = basename(path);
  if (!isNeeded) return [];
  if (!existsSync(path)) return [{ file, kind: 'missing', text: 'it is not there' }];
  const text = faultOf(readFileSync(path, 'utf8'));
  return text === undefined ? [] : [{ file, kind: 'edited', text }];
}

function faultOfPoints(text: string, { spec }: Manifest): string | undefined {
  try {
    const { axes } = spaceFrom(spec.space, parsePoints(text));
    // The hashes are those of the values; around them, too, all is as it was written.
    const written = pointsText(
      pointsColumns(axes.filter(({ values }) => values.definition.kind === 'column')),
    );
    return text === written ? undefined : 'it is not as it was written';
  } catch (error) {
    if (error instanceof FanfoldError) return 'it is not the points that the run was begun with';
    throw error;
  }
}

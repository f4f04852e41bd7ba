import { join } from 'node:path';
import { listOf } from './points.mjs';

/** What a complete run keeps; also what was set aside because it was damaged. */
const KEPT = [
  /^(?:sweep\.json(?:\.copy)?|worker\.mjs|points\.json|logs|result\.\w+|(?:events|failures)\.jsonl)$/,
  /^task_index=\d+\.(?:txt|csv|jsonl)$/,
  /\.(?:foreign|damaged)-\d+$/,
];

/** Temporary files that a complete run left in its directory, in that for temporary files, or in its scratch folder. */
export function leftoversIn(run) {
  const own = listOf(run.out).filter((name) => !KEPT.some((kept) => kept.test(name)));
  return [...own, ...listOf(join(run.place, 'tmp')).map((name) => `tmp/${name}`)];
}

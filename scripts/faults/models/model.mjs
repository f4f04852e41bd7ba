// The JavaScript worker of the faults' sweeps: each point that is computed leaves a mark outside of the run directory.
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const { FAULTS_MARKS = '/dev/null', FAULTS_MENDED = '/', FAULTS_PACE_MS = '0' } = process.env;

/** Computes for a moment without a pause. */
export function fast({ x }, context) {
  const end = performance.now() + Number(FAULTS_PACE_MS);
  while (performance.now() < end);
  return finish(x, context);
}

/** Waits for something. */
export async function slow({ x }, context) {
  await sleep(Number(FAULTS_PACE_MS));
  return finish(x, context);
}

/** Some points raise an error until a file is there. */
export async function flaky(point, context) {
  if (point.x % 23 === 7 && !existsSync(FAULTS_MENDED)) throw new Error('not mended yet');
  return slow(point, context);
}

// --- internal ---

function finish(x, { seed }) {
  appendFileSync(FAULTS_MARKS, `${String(x).padStart(8, '0')}\n`);
  return { y: x / 7, seed, word: `<${x}>\n#` };
}

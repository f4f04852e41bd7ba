import { readFileSync } from 'node:fs';
import { placeOf } from './run.mjs';
import { Loss, runSession } from './session.mjs';

/**
 * Has `fanfold verify` look at a complete run that was damaged, and says what is to be done next.
 * @param damaged the name of the file; where its bytes are the result's, it must be named
 */
export async function verify(run, damaged) {
  const place = placeOf(run);
  const { code, stderr } = await runSession(['verify', run.out], place);
  const told = `${readFileSync(`${place.log}.out`, 'utf8')}${stderr}`;
  const isFound = code === 0 ? false : told.includes(damaged) || /\[FANFOLD_\w+\]/.test(stderr);
  if (!isFound && /^(?:task_index|result)/.test(damaged))
    throw new Loss(`verify saw nothing of ${damaged}: ${told}`);
  return ['verify', '--repair', run.out];
}

import { lockHolder, whenReleased } from '../run/lock.js';
import { nameHolder, type LockHolder } from '../run/lock-holder.js';
import { runPaths } from '../run/paths.js';
import { lifeOf } from '../run/process-identity.js';
import { requestStop, withdrawStop } from '../run/stop-request.js';
import { requireManifest } from '../sweep/existing-run.js';
import { listenForSignals } from './signals.js';
import { stopBatch } from './batch.js';
import { tell } from '../report/tell.js';

/** `fanfold stop`: ends a run from anywhere, as Ctrl-C where it was started; gives the exit code. */
export async function stop(directory: string, options: { now?: true | undefined }): Promise<number> {
  await requireManifest(directory, tell);
  const paths = runPaths(directory);
  const holder = lockHolder(paths.lock);
  if (holder?.id === undefined) {
    const ended = await stopBatch(directory, { isNow: options.now === true });
    if (ended !== undefined) return ended;
    tell('Nobody is at work on this run.');
    return 0;
  }
  const isNow = options.now === true;
  requestStop(paths.stop, holder.id, { isNow });
  const how = isNow ? 'end its processes' : 'finish the points in hand';
  const signals = listenForSignals('It was asked to end all the same.');
  tell(`Waiting for ${nameHolder(holder)} to ${how}${isNow ? '' : ' (--now ends them at once)'}.`);
  const end = await whenReleased(paths.lock, holder, signals.controls.stop, {
    mostSilentMs: SUSPENDED_MS,
  });
  signals.close();
  if (end === 'left') return signals.exitCode() ?? 1;
  if (end === 'silent' && holder.isBeside === true) {
    // Its jobs don't need it.
    const ended = await stopBatch(directory, { isNow });
    if (ended !== undefined) return ended;
  }
  if (end === 'released') withdrawStop(paths.stop, holder.id);
  tell(end === 'released' ? 'It has ended; what is done is kept.' : describeSilence(holder));
  return end === 'released' ? 0 : 1;
}

// --- internal ---

/** A living coordinator changes its lock every few seconds, whatever its points do. */
const SUSPENDED_MS = 20_000;

function describeSilence(holder: LockHolder): string {
  return lifeOf(holder) === 'alive'
    ? `${nameHolder(holder)} has not ended: it has given no sign of life for ${String(SUSPENDED_MS / 1000)} s, so it is suspended or its disk doesn't answer. It ends once it goes on (kill -CONT ${String(holder.pid)}).`
    : `${nameHolder(holder)} has given no sign of life for a minute: it is most likely dead, and may be followed by another one.`;
}

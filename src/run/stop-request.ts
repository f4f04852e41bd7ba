import { rmSync } from 'node:fs';
import { systemCode } from '../errors.js';
import { readLock } from '../lock-file.js';
import { writeFileAtomic } from './atomic-file.js';

// A file in the run directory by which anybody who may write there asks its coordinator to end, from any machine. It names
// the lock's holding, so that one that is left over never stops a later run.

const LOOK_EVERY_MS = 500;

/**
 * Asks the coordinator that holds a lock to end: as by a signal, or at once.
 * @param path of the request
 * @param holding id of the lock's holding
 */
export function requestStop(path: string, holding: string, options: { isNow: boolean }): void {
  writeFileAtomic(path, `${JSON.stringify({ holding, isNow: options.isNow })}\n`, { isDurable: false });
}

/**
 * Looks for requests to end until it is told to stop that.
 * @param onRequest called with every look that finds one
 * @returns a function that ends it and removes the request
 */
export function watchForStop(
  path: string,
  holding: string,
  onRequest: (request: { isNow: boolean }) => void,
): () => void {
  const look = (): void => {
    const request = readRequest(path);
    if (request?.holding === holding) onRequest({ isNow: request.isNow === true });
  };
  if (readRequest(path)?.holding !== holding) rmSync(path, { force: true });
  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    rmSync(path, { force: true });
  };
}

/** Takes back a request that has come too late for the holding that it names. */
export function withdrawStop(path: string, holding: string): void {
  if (readRequest(path)?.holding === holding) rmSync(path, { force: true });
}

// --- internal ---

/** A request as it is there; a torn or foreign file is none. */
function readRequest(path: string): { holding?: unknown; isNow?: unknown } | undefined {
  try {
    const request: unknown = JSON.parse(readLock(path) ?? '{}');
    return typeof request === 'object' && request !== null ? request : undefined;
  } catch (error) {
    // A disk that doesn't answer ends the run by other means.
    if (systemCode(error) === undefined && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runCommand } from './command.mjs';

/**
 * Runs a command once with a fresh folder to write to, which is removed afterwards; only the command itself is timed.
 * @param commandFor gives the command for a path that is free
 * @returns what `runCommand` gives, with the SHA-256 of its result.txt if it `hasResult`
 */
export async function runTrial(folder, commandFor, { hasResult = false, ...options } = {}) {
  const parent = mkdtempSync(join(folder, 'run-'));
  try {
    const out = join(parent, 'out');
    const measured = await runCommand(commandFor(out), options);
    return { ...measured, digest: hasResult ? await digestOf(join(out, 'result.txt')) : undefined };
  } finally {
    // A job of Slurm may still end its log.
    rmSync(parent, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

// --- internal ---

async function digestOf(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}

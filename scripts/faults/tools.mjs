import { spawnSync } from 'node:child_process';

const INSIDE = 'FANFOLD_FAULTS_INSIDE';

/**
 * Starts this program again in a mount namespace of its own, so that what it mounts is gone with it, however it ends.
 * @returns its exit code, or undefined where it is inside already, or can't be
 */
export function enterNamespace() {
  if (process.env[INSIDE] !== undefined || !canMount()) return undefined;
  const { status, signal } = spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', process.execPath, ...process.argv.slice(1)],
    { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } },
  );
  return status ?? (signal === 'SIGINT' ? 130 : 1);
}

/**
 * Looks for what faults and sweeps need.
 * @returns `can` says whether one can be done; `skipped` names what can't; `isRefused` where nothing may be skipped
 */
export function checkTools() {
  const hasDisk = process.env[INSIDE] !== undefined;
  const hasPython = spawnSync('python3', ['--version']).status === 0;
  const skipped = [];
  if (!hasDisk) skipped.push('skipped: faults of a small disk (needs the right to mount a tmpfs)');
  if (!hasPython) skipped.push('skipped: Python sweeps (needs python3)');
  return {
    can: ({ needsDisk, method }) => (!needsDisk || hasDisk) && (method === undefined || hasPython),
    skipped,
    isRefused: skipped.length > 0 && process.env.FANFOLD_REQUIRE_TOOLS === '1',
  };
}

// --- internal ---

function canMount() {
  return (
    process.platform === 'linux' &&
    process.getuid() === 0 &&
    spawnSync('unshare', ['--mount', 'true']).status === 0
  );
}

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout } from 'node:timers/promises';

const TESTBED = fileURLToPath(new URL('../slurm-testbed', import.meta.url));
const PROGRAMS = ['slurmctld', 'slurmd', 'sbatch', 'munged'];

/** Whether a cluster of two nodes can be started on this machine. */
export function canHaveBed() {
  if (process.getuid?.() !== 0 || spawnSync('which', PROGRAMS).status !== 0) return false;
  return spawnSync('unshare', ['--pid', '--fork', '--uts', '--mount-proc', 'true']).status === 0;
}

/**
 * Does something with a Slurm cluster of two nodes with two processors each, to which this process's `SLURM_CONF` points
 * meanwhile.
 * @param settings lines of slurm.conf in place of the testbed's own
 */
export async function withBed(folder, settings, action) {
  const bed = join(folder, 'bed');
  const stop = () => spawnSync(TESTBED, ['stop', bed]);
  process.once('exit', stop);
  try {
    const { status, stderr } = spawnSync(TESTBED, ['start', bed, ...settings], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`The cluster for tests did not start:\n${stderr}`);
    process.env.SLURM_CONF = join(bed, 'slurm.conf');
    return await action();
  } finally {
    stop();
    process.off('exit', stop);
    rmSync(bed, { recursive: true, force: true });
  }
}

/** Waits until nothing is in the queue, so that one measurement doesn't meet the rest of another. */
export async function untilIdle() {
  while (spawnSync('squeue', ['--noheader'], { encoding: 'utf8' }).stdout !== '') await setTimeout(100);
}

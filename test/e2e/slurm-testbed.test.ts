import { describe, expect } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { testWith } from '../tools.js';
import { read, until } from './command.js';
import { slurmBed } from './slurm-bed.js';

describe('the Slurm testbed', () => {
  const bed = slurmBed();
  const lines = (name: string) => {
    const path = join(bed.folder, name);
    return fs.existsSync(path) ? read(path).split('\n').slice(0, -1) : [];
  };

  testWith('slurm', 'runs an array on both nodes', async () => {
    const command = 'echo "$SLURM_ARRAY_TASK_ID $(hostname)" >>ran; sleep 1';
    await bed.run('sbatch', '--array=0-3', '--output=/dev/null', '--wrap', command);
    await until('all elements', () => lines('ran').length === 4);
    expect(lines('ran').sort()).toEqual(['0 n1', '1 n1', '2 n2', '3 n2']);
  });

  testWith(
    'slurm',
    'runs the element of a lost node on the other node',
    async () => {
      const command =
        'echo "$(hostname) ${SLURM_RESTART_COUNT:-0}" >>places; [ "$(hostname)" = n2 ] || sleep 600';
      await bed.run('sbatch', '--array=7', '--output=/dev/null', '--wrap', command);
      await until('the element to run', () => lines('places').length === 1);
      await bed.kill('n1');
      // On a busy machine the controller takes its time, to tell that the other node is well too.
      await until('the element to run again', () => lines('places').length === 2, 150_000);
      expect(lines('places')).toEqual(['n1 0', 'n2 1']);
      await bed.start('n1');
      expect(await bed.run('sinfo', '--noheader', '--nodes=n1', '--format=%T')).toBe('idle');
    },
    180_000,
  );
});

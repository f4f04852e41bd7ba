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
      /** Has an element run, and ends its node; gives that node, and where the element ran. */
      const lose = async (name: string, waitMs: number): Promise<['n1' | 'n2', string[]]> => {
        const command = `echo "$(hostname) \${SLURM_RESTART_COUNT:-0}" >>${name}; [ "\${SLURM_RESTART_COUNT:-0}" != 0 ] || sleep 600`;
        await bed.run('sbatch', '--array=7', '--output=/dev/null', '--wrap', command);
        await until('the element to run', () => lines(name).length === 1);
        const node = lines(name)[0] === 'n1 0' ? 'n1' : 'n2';
        await bed.kill(node);
        try {
          await until('the element to run again', () => lines(name).length === 2, waitMs);
          return [node, lines(name)];
        } finally {
          await bed.run('scancel', '--partition=main');
          await bed.start(node);
        }
      };
      // On a busy machine the controller may take minutes to tell that the other node is well; then all begins anew.
      const [node, places] = await lose('places', 90_000).catch(() => lose('others', 90_000));
      expect(places).toEqual([`${node} 0`, `${node === 'n1' ? 'n2' : 'n1'} 1`]);
      expect(await bed.run('sinfo', '--noheader', `--nodes=${node}`, '--format=%T')).toBe('idle');
    },
    240_000,
  );
});

import { afterAll, beforeAll } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasTool } from '../tools.js';

const TESTBED = join(process.cwd(), 'scripts', 'slurm-testbed');

/** A part of a bed that can be lost: a node, or the controller. */
type Part = 'n1' | 'n2' | 'slurmctld';

interface SlurmBed {
  /** What a command needs to find the bed. */
  readonly env: { readonly SLURM_CONF: string };
  /** A folder for files of the tests, which every node sees. */
  readonly folder: string;
  /** Ends a part and all its processes, as when its machine loses its power. */
  readonly kill: (part: Part) => Promise<void>;
  readonly start: (part: Part) => Promise<void>;
  /** Runs a command of Slurm's and gives what it prints. */
  readonly run: (command: string, ...args: string[]) => Promise<string>;
}

/**
 * A Slurm cluster of two nodes with two processors each, for the tests of one file: there before the first and gone after
 * the last. The settings are lines of slurm.conf (`KEY=VALUE`) in place of the testbed's own.
 */
export function slurmBed(...settings: readonly string[]): SlurmBed {
  const folder = join(tmpdir(), `fanfold-slurm-${randomUUID().slice(0, 8)}`);
  const bed = join(folder, 'bed');
  const env = { SLURM_CONF: join(bed, 'slurm.conf') };
  beforeAll(async () => {
    if (!hasTool('slurm')) return;
    await fs.ensureDir(folder);
    await execa(TESTBED, ['start', bed, ...settings]);
  }, 90_000);
  // The folder is removed here and not with the other temporary ones: those go first, and the daemons write into it.
  afterAll(async () => {
    await execa(TESTBED, ['stop', bed]);
    await fs.remove(folder);
  }, 90_000);
  const testbed = async (action: string, part: Part) => {
    await execa(TESTBED, [action, bed, part]);
  };
  return {
    env,
    folder,
    kill: (part) => testbed('kill-node', part),
    start: (part) => testbed('start-node', part),
    run: async (command, ...args) => (await execa(command, args, { env, cwd: folder })).stdout,
  };
}

import { afterAll, beforeAll } from '@jest/globals';
import { execa } from 'execa';
import fs from 'fs-extra';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasTool } from '../tools.js';

const TESTBED = join(process.cwd(), 'scripts', 'sge-testbed');

interface SgeBed {
  /** A folder for files of the tests. */
  readonly folder: string;
  /** Runs a command of Grid Engine's in a folder and gives what it prints. */
  readonly run: (cwd: string, command: string, ...args: string[]) => Promise<string>;
}

/** A Grid Engine of this machine with two slots, for the tests of one file: there before the first and gone after the last. */
export function sgeBed(): SgeBed {
  const folder = join(tmpdir(), `fanfold-sge-${randomUUID().slice(0, 8)}`);
  const bed = join(folder, 'bed');
  let env: Record<string, string> = {};
  beforeAll(async () => {
    if (!hasTool('gridengine')) return;
    await fs.ensureDir(folder);
    const { stdout } = await execa(TESTBED, ['start', bed]);
    env = Object.fromEntries(
      stdout
        .replace('export ', '')
        .split(' ')
        .map((word) => word.split('=') as [string, string]),
    );
  }, 90_000);
  afterAll(async () => {
    await execa(TESTBED, ['stop', bed]);
    await fs.remove(folder);
  }, 90_000);
  return {
    folder,
    run: async (cwd, command, ...args) => (await execa(command, args, { env, cwd })).stdout,
  };
}

import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { appendRecord } from '../../src/run/journal.js';
import { readEvents } from '../../src/run/records.js';
import { readManifest, writeManifest } from '../../src/run/manifest.js';
import { runPaths } from '../../src/run/paths.js';
import { fanfold, read, temporaryFolder } from './command.js';

const SPEC = ['--range', '0:12', '--tasks', '3', '--header'];
const RESULT = `# x y\n${Array.from({ length: 12 }, (_, x) => `${String(x)}   ${String(2 * x)}\n`).join('')}`;

describe('the names of the columns', () => {
  test('are found also where the first record of them is damaged', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold([...SPEC, '--out', out]);
    const journal = join(out, 'events.jsonl');
    fs.writeFileSync(journal, read(journal).replaceAll('"event":"layout"', '"event":"lbyout"'));
    fs.removeSync(join(out, 'result.txt'));
    const { exitCode, stderr } = await fanfold(['resume', out]);
    expect([exitCode, stderr]).toEqual([0, expect.any(String)]);
    expect(read(out, 'result.txt')).toBe(RESULT);
  });

  test('are never left out of the header: where no record of them is whole, that is said, and can be mended', async () => {
    const out = join(temporaryFolder(), 'run');
    await fanfold([...SPEC, '--out', out]);
    const journal = join(out, 'events.jsonl');
    const { records } = readEvents(journal);
    fs.removeSync(journal);
    await forgetProof(out);
    for (const record of records) {
      if (record.event !== 'layout') appendRecord(journal, { ...record, layout: undefined });
    }
    fs.removeSync(join(out, 'result.txt'));
    for (const command of ['resume', 'fold']) {
      const { exitCode, stderr } = await fanfold([command, out]);
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringMatching(/no record of them.*\[FANFOLD_DAMAGED\]/s),
      ]);
      expect(fs.existsSync(join(out, 'result.txt'))).toBe(false);
    }
    fs.removeSync(join(out, 'task_index=1.txt'));
    expect((await fanfold(['resume', out])).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe(RESULT);
  });
});

/** The fold's proof has the columns too. */
async function forgetProof(directory: string): Promise<void> {
  const paths = runPaths(directory);
  const manifest = await readManifest(paths.manifest);
  if (manifest === undefined) throw new Error(`no manifest in ${directory}`);
  const { proof, ...rest } = manifest;
  expect(proof?.layout).toBeDefined();
  writeManifest(paths, rest);
}

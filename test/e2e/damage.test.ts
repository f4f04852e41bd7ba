import { describe, expect, test } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { appendRecord } from '../../src/run/journal.js';
import { readEventsFrom } from '../../src/run/records.js';
import { readManifest, writeManifest } from '../../src/run/manifest.js';
import { runPaths } from '../../src/run/paths.js';
import { testWith } from '../tools.js';
import {
  doneLines,
  events,
  fanfold,
  isAlive,
  read,
  start,
  temporaryFolder,
  until,
  writeWorker,
} from './command.js';

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
    const { records } = readEventsFrom(journal);
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

// Each task waits at its eighth point until the file named by GATE is there, and has failed before it unless MENDED is set.
const WORKERS = {
  javascript: [
    'w.mjs',
    `import { existsSync } from 'node:fs';
export default async ({ x }) => {
  if (x % 10 === 3 && !process.env.MENDED) throw new Error('not yet');
  while (x % 10 === 7 && !existsSync(process.env.GATE)) await new Promise((resolve) => setTimeout(resolve, 10));
  return [x + 0.5, 'é' + x];
};
`,
  ],
  python: [
    'w.py',
    `import os, time

def f(x):
    if x % 10 == 3 and 'MENDED' not in os.environ:
        raise ValueError('not yet')
    while x % 10 == 7 and not os.path.exists(os.environ['GATE']):
        time.sleep(0.01)
    return [x + 0.5, f'é{x}']
`,
  ],
} as const;
const HEADER = '# x y0 y1\n';
const ROWS = Array.from({ length: 30 }, (_, x) => `${String(x)}   ${String(x + 0.5)}   é${String(x)}   \n`);
const ROUNDS = 12;

/** Numbers in [0, 1), the same for the same seed: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Flips a bit of a file or cuts it off, and says what was done. */
function damage(path: string, random: () => number): string {
  const bytes = fs.readFileSync(path);
  const at = Math.floor(random() * bytes.length);
  if (bytes.length === 0 || random() < 0.3) {
    fs.truncateSync(path, at);
    return `${path} cut off at ${String(at)}`;
  }
  const bit = Math.floor(random() * 8);
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
  fs.writeFileSync(path, bytes);
  return `${path} with bit ${String(bit)} of byte ${String(at)} flipped`;
}

/** A run of three tasks whose coordinator was killed when each had seven lines, one of a failed point that was tried again. */
async function killedRun(tool: keyof typeof WORKERS): Promise<{ out: string; gate: string }> {
  const folder = temporaryFolder();
  const [out, gate] = [join(folder, 'run'), join(folder, 'gate')];
  const [name, code] = WORKERS[tool];
  const worker = writeWorker(folder, name, code);
  const range = ['--range', '0:30', '--tasks', '3', '--jobs', '3', '--header'];
  const run = start([tool === 'javascript' ? worker : `${worker}:f`, ...range, '--out', out], {
    env: { GATE: gate },
  });
  await until('seven lines of each task', () => doneLines(out) === 21, 60_000);
  run.kill('SIGKILL');
  await run;
  await until('its processes to end', () => !events(out, 'start').some(({ pid }) => isAlive(pid)));
  for (const task of [0, 1, 2]) {
    const index = 10 * task + 3;
    appendRecord(join(out, `task_index=${String(task)}.txt.part.retried`), { index, line: ROWS[index] });
  }
  fs.writeFileSync(gate, '');
  return { out, gate };
}

async function resumeDamaged(tool: keyof typeof WORKERS): Promise<void> {
  const { out, gate } = await killedRun(tool);
  const kept = `${out}.kept`;
  fs.moveSync(out, kept);
  const random = seeded(4711);
  for (let round = 0; round < ROUNDS; round++) {
    fs.copySync(kept, out);
    const names = fs.readdirSync(out).filter((name) => /\.part|\.jsonl$/.test(name));
    const done = Array.from({ length: 1 + (round % 3) }, () =>
      damage(join(out, names[Math.floor(random() * names.length)] ?? ''), random),
    );
    const { exitCode, stderr } = await fanfold(['retry', out], { env: { GATE: gate, MENDED: '1' } });
    expect([done, exitCode, stderr]).toEqual([done, 0, expect.not.stringContaining('    at ')]);
    expect([done, read(out, 'result.txt')]).toEqual([done, HEADER + ROWS.join('')]);
    fs.removeSync(out);
  }
}

describe('a killed run with damaged files gives the bytes of an undisturbed one', () => {
  test('with a worker in JavaScript', () => resumeDamaged('javascript'), 300_000);
  testWith('python3', 'with a worker in Python', () => resumeDamaged('python'), 300_000);
});

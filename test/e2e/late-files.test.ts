import fs from 'fs-extra';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readManifest, writeManifest } from '../../src/run/manifest.js';
import { runPaths } from '../../src/run/paths.js';
import { events, fanfold, read, start, temporaryFolder, until, writeWorker } from './command.js';

/** Waits at x = 3 until the gate is there; leaves a line for each point. */
function gatedRun(): { out: string; gate: string; marks: string; args: string[] } {
  const folder = temporaryFolder();
  const [gate, marks] = [join(folder, 'gate'), join(folder, 'marks')];
  const code = `import { appendFileSync, existsSync } from 'node:fs';
export default async ({ x }) => {
  while (x === 3 && !existsSync(${JSON.stringify(gate)})) await new Promise((r) => setTimeout(r, 10));
  appendFileSync(${JSON.stringify(marks)}, x + '\\n');
  return x;
};
`;
  const out = join(folder, 'run');
  const args = [writeWorker(folder, 'w.mjs', code), '--range', '0:4', '--tasks', '2', '--out', out];
  return { out, gate, marks, args: [...args, '--jobs', '1'] };
}

/** Collects what a process says, to wait for words of it. */
function heard(run: ReturnType<typeof start>): () => string {
  let text = '';
  run.stderr?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  return () => text;
}

describe('a file that shows up late', () => {
  test('of a finished task is waited for, and the task not computed again', async () => {
    const { out, gate, marks, args } = gatedRun();
    const run = start([...args, '--fs-latency', '60s']);
    const said = heard(run);
    const [task, away] = [join(out, 'task_index=0.txt'), `${out}-away`];
    await until('the first task', () => fs.existsSync(task));
    fs.renameSync(task, away);
    fs.writeFileSync(gate, '');
    await until('the wait', () => said().includes('Waiting up to 60 s for the files of finished tasks'));
    fs.renameSync(away, task);
    expect((await run).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   3\n');
    expect(read(marks)).toBe('0\n1\n2\n3\n');
  });

  test('of a finished task is waited for by a resume too', async () => {
    const { out, gate, marks, args } = gatedRun();
    fs.writeFileSync(gate, '');
    expect((await fanfold(args)).exitCode).toBe(0);
    const [task, away] = [join(out, 'task_index=0.txt'), `${out}-away`];
    fs.renameSync(task, away);
    fs.removeSync(join(out, 'result.txt'));
    const run = start(['resume', out, '--fs-latency', '60s']);
    const said = heard(run);
    await until('the wait', () => said().includes('Waiting up to 60 s for the files of finished tasks'));
    fs.renameSync(away, task);
    expect((await run).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   3\n');
    expect(read(marks)).toBe('0\n1\n2\n3\n');
  });

  test('of a finished task is waited for by a fold too', async () => {
    const { out, gate, args } = gatedRun();
    fs.writeFileSync(gate, '');
    expect((await fanfold(args)).exitCode).toBe(0);
    const [task, away] = [join(out, 'task_index=0.txt'), `${out}-away`];
    for (const how of [[], ['--wait']]) {
      fs.renameSync(task, away);
      fs.removeSync(join(out, 'result.txt'));
      const run = start(['fold', out, '--fs-latency', '60s', ...how]);
      const said = heard(run);
      await until('the wait', () => said().includes('Waiting up to 60 s for'));
      fs.renameSync(away, task);
      expect((await run).exitCode).toBe(0);
      expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   3\n');
    }
  });

  test('is not waited for by a fold where points failed', async () => {
    const folder = temporaryFolder();
    const out = join(folder, 'run');
    const code = "export default ({ x }) => { if (x === 1) throw new Error('no'); return x; };\n";
    const args = [writeWorker(folder, 'w.mjs', code), '--range', '0:4', '--tasks', '2', '--out', out];
    expect((await fanfold(args)).exitCode).toBe(1);
    for (const how of [[], ['--wait']]) {
      const { exitCode, stderr } = await fanfold(['fold', out, '--fs-latency', '60s', ...how]);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining('FANFOLD_INCOMPLETE')]);
      expect(stderr).not.toContain('Waiting');
    }
  });

  test('later than that counts as lost: a resume computes its task again', async () => {
    const { out, gate, marks, args } = gatedRun();
    const run = start([...args, '--fs-latency', '100ms']);
    const task = join(out, 'task_index=0.txt');
    await until('the first task', () => fs.existsSync(task));
    fs.removeSync(task);
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(1);
    expect((await fanfold(['resume', out])).exitCode).toBe(0);
    expect(read(out, 'result.txt')).toBe('0   0\n1   1\n2   2\n3   3\n');
    expect(read(marks)).toBe('0\n1\n2\n3\n0\n1\n');
  });

  test('such as a manifest is waited for where other files of a run are seen, and else not', async () => {
    const { out, gate, args } = gatedRun();
    fs.writeFileSync(gate, '');
    expect((await fanfold(args)).exitCode).toBe(0);
    const names = ['sweep.json', 'sweep.json.copy'];
    for (const command of [['resume', out], args]) {
      for (const name of names) fs.renameSync(join(out, name), `${out}-${name}`);
      const run = start([...command, '--fs-latency', '60s']);
      const said = heard(run);
      await until('the wait', () => said().includes('for sweep.json to show up'));
      for (const name of names) fs.renameSync(`${out}-${name}`, join(out, name));
      expect((await run).exitCode).toBe(0);
    }
    for (const name of names) fs.renameSync(join(out, name), `${out}-${name}`);
    const stopped = start([...args, '--fs-latency', '60s']);
    const last = heard(stopped);
    await until('the wait', () => last().includes('for sweep.json to show up'));
    stopped.kill('SIGINT');
    const end = await stopped;
    expect([end.exitCode, end.stderr]).toEqual([130, expect.stringContaining('stopped before it began')]);
    const late = await fanfold([...args, '--fs-latency', '60s', '--time-limit', '1s']);
    expect([late.exitCode, late.stderr]).toEqual([75, expect.stringContaining('by --time-limit')]);
    const none = await fanfold(['resume', temporaryFolder(), '--fs-latency', '60s']);
    expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('no sweep.json')]);
  });

  test('is not waited for where sweep.json has a copy, which is read at once', async () => {
    const { out, gate, args } = gatedRun();
    fs.writeFileSync(gate, '');
    expect((await fanfold(args)).exitCode).toBe(0);
    for (const command of ['status', 'attach', 'stop', 'verify']) {
      fs.writeFileSync(join(out, 'sweep.json'), '{ "version": 1, ');
      const { stderr } = await fanfold([
        command,
        out,
        ...(command === 'verify' ? ['--fs-latency', '0s'] : []),
      ]);
      expect(stderr).not.toContain('Waiting');
    }
    const resumed = await fanfold(['resume', out, '--fs-latency', '300ms']);
    expect([resumed.exitCode, resumed.stderr.split('Waiting').length - 1]).toEqual([0, 1]);
    expect(fs.readJsonSync(join(out, 'sweep.json'))).toMatchObject({ tasks: 2 });
  });

  test('is not waited for on a disk of this machine', async () => {
    const { out, gate, args } = gatedRun();
    const run = start(args);
    const said = heard(run);
    const task = join(out, 'task_index=0.txt');
    await until('the first task', () => fs.existsSync(task));
    fs.removeSync(task);
    fs.writeFileSync(gate, '');
    expect((await run).exitCode).toBe(1);
    expect(said()).not.toContain('Waiting');
  });
});

describe('a run that is gone on with by another version of Node', () => {
  test('says so in one line, and records both', async () => {
    const { out, gate, args } = gatedRun();
    const run = start(args);
    await until('the gate', () => fs.existsSync(join(out, 'events.jsonl')) && events(out, 'end').length > 0);
    run.kill('SIGKILL');
    await run;
    const paths = runPaths(out);
    const manifest = await readManifest(paths.manifest);
    if (manifest === undefined) throw new Error('no manifest');
    const versions = { ...manifest.versions, node: '18.0.0' };
    writeManifest(paths, { ...manifest, versions });
    fs.writeFileSync(gate, '');
    const { exitCode, stderr } = await fanfold(['resume', out]);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Warning: this run was begun with Node')]);
    expect(stderr).toContain(`Node 18.0.0, now ${process.versions.node}`);
    const after = await readManifest(paths.manifest);
    expect(after?.versions).toEqual(manifest.versions);
    expect(after?.earlierVersions).toMatchObject([versions]);
    expect((await fanfold(['resume', out])).stderr).not.toContain('Warning');
  });
});

import { describe, expect } from '@jest/globals';
import fs from 'fs-extra';
import { join } from 'node:path';
import { childrenOf } from '../processes.js';
import { testWith } from '../tools.js';
import { fanfold, isAlive, start, temporaryFolder, until, writeWorker } from './command.js';

// A grandchild that leaves its group, its session and its parent, as daemons do, and says its number.
const DAEMON =
  'setsid sh -c \'echo $$ > "$PID.new"; mv "$PID.new" "$PID"; exec sleep 1000\' > /dev/null 2>&1 & exit 0';

const javascript = (act: string): string => `import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
export default async ({ x }) => {
  if (x !== 1 || fs.existsSync(process.env.PID)) return x;
  spawnSync('/bin/sh', ['-c', ${JSON.stringify(DAEMON)}], { stdio: 'ignore' });
  while (!fs.existsSync(process.env.PID)) await new Promise((resolve) => setTimeout(resolve, 5));
  ${act};
  return x;
};\n`;

const python = (act: string): string => `import os, subprocess, time
def f(x):
    if x != 1 or os.path.exists(os.environ['PID']):
        return x
    subprocess.run(['/bin/sh', '-c', ${JSON.stringify(DAEMON)}])
    while not os.path.exists(os.environ['PID']):
        time.sleep(0.005)
    ${act}
    return x\n`;

/** Two tasks, of which the first begins with the point that starts the daemon, and the second waits for the file GO. */
function prepared(
  language: 'JavaScript' | 'Python',
  act: string,
): { folder: string; args: string[]; env: Record<string, string> } {
  const folder = temporaryFolder();
  const worker =
    language === 'JavaScript'
      ? writeWorker(folder, 'w.mjs', javascript(act))
      : `${writeWorker(folder, 'model.py', python(act))}:f`;
  const args = [
    worker,
    '--range',
    '1:4',
    '--tasks',
    '1',
    '--retry-delay',
    '10ms',
    '--out',
    join(folder, 'run'),
  ];
  return { folder, args, env: { PID: join(folder, 'pid') } };
}

const pidIn = (folder: string): number => Number(fs.readFileSync(join(folder, 'pid'), 'utf8'));

describe.each(['JavaScript', 'Python'] as const)(
  'a daemon that a point of %s has started ends',
  (language) => {
    const tool = language === 'Python' ? 'python3' : 'procfs';
    const [exit, sleep] =
      language === 'Python'
        ? ['os._exit(7)', 'time.sleep(1000)']
        : ['process.exit(7)', 'await new Promise((r) => setTimeout(r, 1e6))'];

    testWith(tool, 'when its process dies', async () => {
      const { folder, args, env } = prepared(language, exit);
      const run = start([...args, '--retry-delay', '5s'], { env });
      await until('the death', () => fs.existsSync(join(folder, 'run', 'failures.jsonl')));
      await until('the daemon to end', () => !isAlive(pidIn(folder)), 2_000);
      run.kill('SIGINT');
      expect((await run).exitCode).toBe(130);
    });

    testWith(
      tool,
      'by the next session, where its coordinator and the reaper were killed at once',
      async () => {
        const { folder, args, env } = prepared(language, sleep);
        const run = start(args, { env });
        await until('the daemon', () => fs.existsSync(join(folder, 'pid')));
        const below = childrenOf(run.pid).filter(({ args }) => args.includes('HUP INT TERM'));
        expect(below).not.toEqual([]);
        for (const { pid } of [run, ...below]) process.kill(pid ?? 0, 'SIGKILL');
        await run;
        expect(isAlive(pidIn(folder))).toBe(true);
        expect((await fanfold(['resume', join(folder, 'run')], { env })).exitCode).toBe(0);
        expect(isAlive(pidIn(folder))).toBe(false);
      },
    );

    testWith(tool, 'when its point takes too long', async () => {
      const { folder, args, env } = prepared(language, sleep);
      expect((await fanfold([...args, '--timeout', '700ms'], { env })).exitCode).toBe(1);
      await until('the daemon to end', () => !isAlive(pidIn(folder)), 500);
    });

    testWith(tool, 'when the coordinator is killed', async () => {
      const { folder, args, env } = prepared(language, sleep);
      const run = start(args, { env });
      await until('the daemon', () => fs.existsSync(join(folder, 'pid')));
      run.kill('SIGKILL');
      await run;
      await until('the daemon to end', () => !isAlive(pidIn(folder)), 2_000);
    });

    testWith(tool, 'with the run', async () => {
      const { folder, args, env } = prepared(language, language === 'Python' ? 'pass' : '');
      expect((await fanfold(args, { env })).exitCode).toBe(0);
      await until('the daemon to end', () => !isAlive(pidIn(folder)), 2_000);
    });
  },
);

testWith('procfs', 'a sweep that a point runs ends with it, with all its processes', async () => {
  const folder = temporaryFolder();
  const inner = writeWorker(
    folder,
    'inner.mjs',
    "import fs from 'node:fs';\nexport default () => { fs.writeFileSync(process.env.PID, String(process.pid)); for (;;); };\n",
  );
  const command = join(process.cwd(), 'dist', 'cli.cjs');
  const outer = writeWorker(
    folder,
    'outer.mjs',
    `import { spawn } from 'node:child_process';
export default () => new Promise(() => {
  spawn(process.execPath, [${JSON.stringify(command)}, ${JSON.stringify(inner)}, '--range', '0:1', '--out', ${JSON.stringify(join(folder, 'inner'))}], { stdio: 'ignore', detached: true });
});\n`,
  );
  const run = start([outer, '--range', '0:1', '--out', join(folder, 'run')], {
    env: { PID: join(folder, 'pid') },
  });
  await until('the inner sweep', () => fs.existsSync(join(folder, 'pid')) && pidIn(folder) > 0);
  run.kill('SIGINT');
  const again = setInterval(() => run.kill('SIGINT'), 100);
  await run;
  clearInterval(again);
  await until('the inner worker to end', () => !isAlive(pidIn(folder)), 2_000);
});

import { execa } from 'execa';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder, writeWorker } from '../e2e/command.js';

/** The built library. */
export const LIBRARY = pathToFileURL(join(process.cwd(), 'dist', 'index.js')).href;

/** Workers that the tests call. */
export const WORKERS = `
import { setTimeout } from 'node:timers/promises';
export default (x) => x * 2;
export const echo = (...args) => args;
export const pid = async (x) => { await setTimeout(5); return process.pid; };
export const add = (a, b) => a + b;
export const slowFirst = async (x) => { await setTimeout(x === 0 ? 300 : 1); return x; };
export const throwAt7 = (x) => { if (x === 7) throw new RangeError('no seven'); return x; };
export const exitAt7 = (x) => { if (x === 7) { console.error('last words'); process.exit(3); } return x; };
export const killAt7 = (x) => { if (x === 7) process.kill(process.pid, 'SIGKILL'); return x; };
export const faultAt7 = (x) => { if (x === 7) { process.kill(process.pid, 'SIGSEGV'); for (;;); } return x; };
export const rejectAt7 = async (x) => { if (x === 7) { Promise.reject(new Error('nobody looks')); await setTimeout(1000); } return x; };
export const greet = (name, { a = 0, b = -1 } = {}) => { console.log(name, a, b); return [name, a, b]; };
export const env = (name) => process.env[name];
export const forever = () => new Promise(() => setInterval(() => undefined, 1000));
export const busy = () => { for (;;); };
export const exit = (code) => process.exit(code);
export const note = async (file, x) => { (await import('node:fs')).appendFileSync(file, x + '\\n'); return x; };
`;

export interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** The program's last line, which is JSON. */
  readonly value: unknown;
}

/** Runs a program that uses the library beside `w.mjs`, and gives what it prints last as JSON. */
export async function program(code: string, folder = temporaryFolder()): Promise<Ended> {
  writeWorker(folder, 'w.mjs', WORKERS);
  const path = writeWorker(
    folder,
    'program.mjs',
    `import { CallError, FanfoldError, Pool, Process, sharedArray, sharedValue } from '${LIBRARY}';
     const range = (n) => Array.from({ length: n }, (_, i) => i);
     const give = (value) => console.log(JSON.stringify(value));
     const describe = ({ code, message, index, item, exitStatus, signal, output }) => ({ code, message, index, item, exitStatus, signal, output });
     ${code}`,
  );
  const { exitCode, stdout, stderr } = await execa(process.execPath, [path], {
    cwd: folder,
    reject: false,
    timeout: 50_000,
  });
  const last = stdout.split('\n').at(-1) ?? '';
  let value: unknown;
  try {
    value = JSON.parse(last);
  } catch {
    throw new Error(`Expected the program to end with a line of JSON, got:\n${stdout}\n${stderr}`);
  }
  return { exitCode, stdout, stderr, value };
}

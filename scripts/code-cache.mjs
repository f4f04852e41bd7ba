import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Has the command and the host start from what V8 had compiled of them at the end of a small sweep, which is kept beside them:
 * compiling is a good part of what a start takes. Where it is missing, or of another version of node, V8 compiles as ever.
 */
export function addCodeCache(folder) {
  const programs = ['cli', 'host'].map((name) => moveBody(folder, name));
  for (const program of programs) writeLoader(folder, program, { isRecording: true });
  runSweep(join(folder, 'cli.cjs'));
  for (const program of programs) {
    statSync(join(folder, program.cache));
    writeLoader(folder, program, { isRecording: false });
  }
}

// --- internal ---

/** The cache's name has the hash of its source, for V8 compares only lengths: the two must fit also while dist/ is replaced. */
function moveBody(folder, name) {
  const loader = `${name}.cjs`;
  const body = `${name}-program.cjs`;
  renameSync(join(folder, loader), join(folder, body));
  const source = readFileSync(join(folder, body), 'utf8');
  if (/\bimport\(/.test(source))
    throw new Error(`${body} has an import(), which finds no loader when it comes from a cache.`);
  const hash = createHash('sha256').update(source);
  return { loader, body, cache: `${name}-${hash.digest('hex').slice(0, 8)}.cache` };
}

function writeLoader(folder, { loader, body, cache }, { isRecording }) {
  const record = `process.once('exit', () => require('node:fs').writeFileSync(cache, program.createCachedData()));`;
  const lines = [
    '#!/usr/bin/env node',
    `const { readFileSync } = require('node:fs');`,
    `const { Script } = require('node:vm');`,
    `const cache = __dirname + '/${cache}';`,
    'let cachedData;',
    'try { cachedData = readFileSync(cache); } catch {}',
    `const source = readFileSync(__dirname + '/${body}', 'utf8');`,
    `const wrapped = '(function (exports, require, module, __filename, __dirname) {' + source + '\\n})';`,
    // The name that stacks have; the cache keeps it, wherever the package is.
    `const program = new Script(wrapped, { filename: 'fanfold/dist/${body}', cachedData });`,
    ...(isRecording ? [record] : []),
    'program.runInThisContext()(exports, require, module, __filename, __dirname);',
  ];
  writeFileSync(join(folder, loader), `${lines.join('\n')}\n`, { mode: 0o755 });
}

function runSweep(command) {
  const parent = mkdtempSync(join(tmpdir(), 'fanfold-build-'));
  const sweep = ['workers/double.ts', '--range', '0:17', '--tasks', '2', '--jobs', '1'];
  try {
    // One process, for each writes its cache when it ends.
    execFileSync(process.execPath, [command, ...sweep, '--out', join(parent, 'run'), '-q'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

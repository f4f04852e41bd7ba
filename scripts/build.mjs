// Builds dist/: the command, the library and the host's program, each with all it needs but esbuild, and the types.
// A few files instead of a hundred, because a process's start is mostly reading and compiling modules.
import { execFileSync } from 'node:child_process';
import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { addCodeCache } from './code-cache.mjs';
import { buildParts } from './parts.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
// Beside dist/ and then renamed, so that a command that runs meanwhile finds all of its files.
const outdir = 'dist.tmp';
rmSync(outdir, { recursive: true, force: true });

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  outdir,
  external: ['esbuild'],
};

// Not minified: node shows the line at which an error was thrown that a user's program did not catch.
await build({
  ...common,
  entryPoints: { index: 'src/index.ts' },
  format: 'esm',
  sourcemap: true,
  sourcesContent: false,
  splitting: true,
  chunkNames: 'chunk-[hash]',
  // CommonJS packages inside an ES module still call require.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
// CommonJS starts fifteen milliseconds sooner than ES modules.
const program = {
  ...common,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  define: { 'import.meta.url': '__ownUrl' },
  banner: { js: "const __ownUrl = require('node:url').pathToFileURL(__filename).href;" },
  minifyWhitespace: true,
  minifySyntax: true,
};
await buildParts(program, {
  cli: ['src/cli/main.ts', 'src/cli/run.ts'],
  'cli-progress': ['src/report/progress.ts'],
});
// With short names too: every process of every run reads it.
await buildParts(
  { ...program, minify: true },
  { host: ['src/host/main.ts'], 'host-import': ['src/host/import-module.ts'] },
);
copyFileSync('src/host/python/host.py', `${outdir}/fanfold_host.py`);
const compiler = 'node_modules/typescript/bin/tsc';
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.types.json', '--outDir', `${outdir}/types`], {
  stdio: 'inherit',
});
addCodeCache(outdir);
rmSync('dist', { recursive: true, force: true });
renameSync(outdir, 'dist');

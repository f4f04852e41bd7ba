// Builds dist/: the command, the library and the host's program, each with all it needs but esbuild, and the types.
// One bundle instead of a hundred files, because a process's start is mostly reading modules.
import { execFileSync } from 'node:child_process';
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
// Beside dist/ and then renamed, so that a command that runs meanwhile finds all of its files.
const outdir = 'dist.tmp';
rmSync(outdir, { recursive: true, force: true });

const common = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outdir,
  sourcemap: true,
  sourcesContent: false,
  external: ['esbuild'],
};

await build({
  ...common,
  entryPoints: { cli: 'src/cli/main.ts', index: 'src/index.ts' },
  splitting: true,
  chunkNames: 'chunk-[hash]',
  minifyWhitespace: true,
  minifySyntax: true,
  // CommonJS packages inside an ES module still call require.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
// CommonJS starts ten milliseconds sooner than an ES module, in every process.
await build({
  ...common,
  entryPoints: { host: 'src/host/main.ts' },
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  minify: true,
});
const compiler = 'node_modules/typescript/bin/tsc';
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.types.json', '--outDir', `${outdir}/types`], {
  stdio: 'inherit',
});
chmodSync(`${outdir}/cli.js`, 0o755);
rmSync('dist', { recursive: true, force: true });
renameSync(outdir, 'dist');

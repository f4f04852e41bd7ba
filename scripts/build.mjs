// Builds dist/: the command, the library and the host's program, each self-contained but for its dependencies, and the
// types. One bundle instead of a hundred files, because a process's start is mostly reading modules.
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
rmSync('dist', { recursive: true, force: true });

const common = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outdir: 'dist',
  sourcemap: true,
  sourcesContent: false,
  // CommonJS packages inside an ES module still call require.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  external: ['esbuild'],
};

await build({
  ...common,
  entryPoints: { cli: 'src/cli/main.ts', index: 'src/index.ts' },
  splitting: true,
  chunkNames: 'chunk-[hash]',
  minifySyntax: true,
});
await build({ ...common, banner: {}, entryPoints: { host: 'src/host/main.ts' }, minify: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
  stdio: 'inherit',
});
chmodSync('dist/cli.js', 0o755);
if (!readdirSync('dist').includes('index.js')) throw new Error('The build made no dist/index.js.');

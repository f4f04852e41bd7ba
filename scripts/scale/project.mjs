import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The project's own modules that know the names and the form of a run's files. */
export async function projectModules(folder) {
  const outfile = join(folder, 'modules.mjs');
  await build({
    stdin: {
      contents: `
        export { runPaths } from './src/run/paths.ts';
        export { appendRecord } from './src/run/journal.ts';
        export { tasksOf, countElements } from './src/run/elements.ts';
        export { sha256 } from './src/sha256.ts';`,
      resolveDir: ROOT,
    },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    logLevel: 'error',
  });
  return import(outfile);
}

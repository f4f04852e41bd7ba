import { fold } from '../fold.js';
import { shortPath } from '../report/command-line.js';
import { writeManifest } from '../run/manifest.js';
import { runPaths } from '../run/paths.js';
import { openDirectory } from '../run/run-directory.js';
import { requireManifest } from '../sweep/existing-run.js';

/** `fanfold fold`: gives the exit code. */
export async function foldRun(directory: string, options: { header?: boolean | undefined }): Promise<number> {
  const manifest = await requireManifest(directory);
  const release = openDirectory(directory);
  try {
    const wanted = { ...manifest, header: options.header ?? manifest.header };
    const result = fold(directory, wanted);
    if (wanted.header !== manifest.header) writeManifest(runPaths(directory), wanted);
    process.stdout.write(`${shortPath(result)}\n`);
    return 0;
  } finally {
    release();
  }
}

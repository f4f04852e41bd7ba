import { expect, test } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runPaths } from '../../src/run/paths.js';
import { openDirectory } from '../../src/run/run-directory.js';
import { testFolder } from './folder.js';

const folder = testFolder();

test('what one who was killed was about to rename is removed, and nothing else', async () => {
  const directory = join(folder, 'run');
  const paths = runPaths(directory, 'csv');
  (await openDirectory(directory)).release();
  const before = readdirSync(directory);
  const renamed = [
    ...[paths.manifest, paths.manifestCopy, paths.points, paths.workerModule, paths.events, paths.failures],
    ...[paths.result, paths.task(12), paths.retried(12), paths.jobScript, paths.foldScript],
  ];
  for (const path of renamed) writeFileSync(`${path}.tmp-4711`, '');
  for (const path of [paths.part(12), paths.check(12)]) writeFileSync(`${path}.4711`, '');
  writeFileSync(`${paths.lock}.4711-0bwkk8ds`, '');
  writeFileSync(join(directory, 'notes.tmp-4711'), '');
  (await openDirectory(directory)).release();
  expect(readdirSync(directory).sort()).toEqual([...before, 'notes.tmp-4711'].sort());
});

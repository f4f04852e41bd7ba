import { closeSync, openSync, readdirSync, truncateSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { fold } from '../fold.js';
import { journalsOf } from '../run/elements.js';
import { appendRecord, cleanJournal } from '../run/journal.js';
import { runPaths } from '../run/paths.js';
import { readJournals, type RunEvent } from '../run/records.js';
import { openDirectory, setAside } from '../run/run-directory.js';
import { isComputed, readTaskStates, timesFinished } from '../run/task-state.js';
import { requireManifest } from './existing-run.js';
import { mendTasks } from './mend-tasks.js';
import { strayTasks } from './verify-files.js';
import type { Verification } from './verify.js';

/**
 * Mends what can be mended without computing: damaged files of tasks are moved aside and, like lost ones, put back from
 * the result; the result is made anew from its tasks; journals keep their whole records; the manifest comes back from its
 * copy. What is left is for the run to be gone on with.
 * @param onNotice called with what was done
 * @param latencyMs how long files are waited for
 * @throws FanfoldError where somebody works on the run
 */
export async function repairRun(
  { directory, problems }: Verification,
  onNotice: (text: string) => void,
  latencyMs?: number,
): Promise<void> {
  const lock = await openDirectory(directory, { latencyMs, onNotice });
  try {
    const manifest = await requireManifest(directory, undefined, { latencyMs, onNotice });
    const paths = runPaths(directory, manifest.spec.format);
    const moveAside = (path: string): string => {
      const aside = setAside(path, 'damaged');
      onNotice(`Moved aside: ${basename(aside)}`);
      return aside;
    };
    for (const { file, kind, task } of problems) {
      if (task !== undefined && kind !== 'missing' && kind !== 'foreign') moveAside(join(directory, file));
    }
    for (const name of strayTasks(paths, manifest, readdirSync(directory)))
      onNotice(`Moved aside: ${basename(setAside(join(directory, name), 'foreign'))}`);
    const damaged = new Set(problems.map(({ file }) => file));
    for (const { index, bytes } of readTaskStates(directory, manifest)) {
      const part = paths.part(index);
      if (!damaged.has(basename(part))) continue;
      // What is believed of a part is gone on with.
      if (bytes > 0) truncateSync(part, bytes);
      else moveAside(part);
    }
    for (const { events, failures } of journalsOf(paths))
      for (const journal of [events, failures]) cleanJournal(journal, moveAside);
    // Whose records are gone tells no more of them, but is a journal again.
    if (damaged.has(basename(paths.failures))) closeSync(openSync(paths.failures, 'a'));
    const { states } = mendTasks(directory, manifest, { onNotice, beat: lock.beat });
    const times = timesFinished(readJournals(paths));
    const lost = states
      .filter(({ status }) => status === 'waiting')
      .flatMap(({ index }) => (times.has(index) ? [{ task: index, times: times.get(index) ?? 0 }] : []));
    appendRecord(paths.events, {
      event: 'repair',
      time: Date.now(),
      host: hostname(),
      pid: process.pid,
      files: [...damaged],
      ...(lost.length === 0 ? {} : { lost }),
    } satisfies RunEvent);
    // Also for its proof, which has to tell of the journals as they are now.
    const fillsFailed = (manifest.proof?.failed.count ?? 0) > 0;
    const isWhole = states.every(({ status }) => status === 'complete');
    if (isWhole || (fillsFailed && states.every(isComputed)))
      fold(directory, manifest, { onNotice, fillsFailed, beat: lock.beat });
  } finally {
    lock.release();
  }
}

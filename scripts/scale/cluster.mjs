// The cluster of the simulation: once an array is submitted, its elements begin and end over some time, which is to say that
// the files appear which they would have written. Nothing is computed.
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { projectModules } from './project.mjs';

const STEP_MS = 100;
const LAYOUT = { kind: 'scalar', columns: [{ name: 'y' }] };

const { folder, directory, tasks, pack, maxRunning, seconds, left } = JSON.parse(process.argv[2]);
const { runPaths, appendRecord, tasksOf, countElements, sha256 } = await projectModules(folder);

const paths = runPaths(directory);
const elements = countElements(tasks, pack);
/** Of so many the files appear; the last ones are left for real elements. */
const faked = elements - left;

while (!existsSync(join(folder, 'submitted'))) await setTimeout(STEP_MS);
tellQueue(0, 0);
const startMs = performance.now();
const runMs = (seconds * 1000) / (faked / maxRunning + 1);
const [begun, ended] = [{ next: 0 }, { next: 0 }];
while (ended.next < faked) {
  const passedMs = performance.now() - startMs;
  const due = (ms) => Math.min(faked, Math.floor((Math.max(0, ms) * maxRunning) / runMs));
  for (; begun.next < due(passedMs); begun.next++) begin(begun.next);
  for (; ended.next < due(passedMs - runMs); ended.next++) end(ended.next);
  tellQueue(begun.next, ended.next);
  await setTimeout(STEP_MS);
}
writeFileSync(join(folder, 'faked'), '');

// --- internal ---

/** What squeue prints: a line for each element that runs, and one for all that wait; and how long it takes for that. */
function tellQueue(begun, ended) {
  const running = Array.from({ length: begun - ended }, (_, index) =>
    squeueLine(`1_${String(ended + index)}`, 'RUNNING', 'None'),
  );
  const waiting =
    begun < elements
      ? [
          squeueLine(
            `1_[${String(begun)}-${String(elements - 1)}%${String(maxRunning)}]`,
            'PENDING',
            'JobArrayTaskLimit',
          ),
        ]
      : [];
  replace('queue', [...running, ...waiting].map((line) => `${line}\n`).join(''));
  replace('delay', (0.2 + (1.8 * Math.min(10_000, elements - ended)) / 10_000).toFixed(2));
}

function squeueLine(id, state, reason) {
  return [id, state, reason, 'fanfold-scale', `${directory}/job.sh`, directory].join('\x1f');
}

function replace(name, text) {
  const path = join(folder, name);
  writeFileSync(`${path}.tmp`, text);
  renameSync(`${path}.tmp`, path);
}

function begin(element) {
  const own = runPaths(directory, 'txt', element);
  mkdirSync(join(paths.elements, String(element)), { recursive: true });
  const stamp = stampOf(element);
  writeFileSync(own.lock, '');
  writeFileSync(join(paths.logs, `slurm-1_${String(element)}.log`), `fanfold: element ${String(element)}\n`);
  appendRecord(own.events, { event: 'open', ...stamp, jobs: pack, job: `1_${String(element)}` });
  for (const task of tasksOf(element, pack, tasks)) {
    appendRecord(own.events, { event: 'start', ...stamp, task, lines: 0 });
    writeFileSync(paths.part(task), '');
    writeFileSync(paths.check(task), '');
  }
}

function end(element) {
  const own = runPaths(directory, 'txt', element);
  const stamp = stampOf(element);
  for (const task of tasksOf(element, pack, tasks)) {
    const text = `${String(task)}   0\n`;
    writeFileSync(paths.part(task), text);
    const file = { lines: 1, bytes: text.length, sha256: sha256(text) };
    const what = { task, seconds: 1, points: 1, failed: 0, numbers: { y: 'whole' }, layout: LAYOUT, file };
    appendRecord(own.events, { event: 'end', ...stamp, ...what });
    renameSync(paths.part(task), paths.task(task));
    rmSync(paths.check(task));
  }
  appendRecord(own.events, { event: 'close', ...stamp, seconds: 1, reason: 'done' });
  rmSync(own.lock);
}

/** Each element is a process on one of many nodes. */
function stampOf(element) {
  return { time: Date.now(), host: `node${String(element % 100)}`, pid: 1000 + element };
}

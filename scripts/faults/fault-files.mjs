import { closeSync, openSync, readFileSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { listOf } from './points.mjs';

const CLEAR = [
  'FANFOLD_DAMAGED',
  'FANFOLD_MANIFEST',
  'FANFOLD_OUT',
  'FANFOLD_OTHER_SPEC',
  'FANFOLD_INCOMPLETE',
];

/** The stored files: their names, and when they are there, `partial` while a run is under way, or `complete`. */
const FILES = {
  'a part': { pattern: /^task_index=\d+\.\w+\.part$/, state: 'partial' },
  "a part's check": { pattern: /\.part\.check$/, state: 'partial' },
  'a task file': { pattern: /^task_index=\d+\.(?:txt|csv|jsonl)$/, state: 'partial' },
  'a task file of a complete run': { pattern: /^task_index=\d+\.(?:txt|csv|jsonl)$/, state: 'complete' },
  'events.jsonl': { pattern: /^events\.jsonl$/, state: 'partial' },
  'events.jsonl of a complete run': { pattern: /^events\.jsonl$/, state: 'complete' },
  'failures.jsonl': { pattern: /^failures\.jsonl$/, state: 'partial', fits: (sweep) => sweep.isFlaky },
  'sweep.json': { pattern: /^sweep\.json$/, state: 'partial' },
  'sweep.json of a complete run': { pattern: /^sweep\.json$/, state: 'complete' },
  'the copy of sweep.json': { pattern: /^sweep\.json\.copy$/, state: 'partial' },
  'worker.mjs': { pattern: /^worker\.mjs$/, state: 'partial', fits: (sweep) => isJavaScript(sweep) },
  'points.json': { pattern: /^points\.json$/, state: 'partial', fits: (sweep) => sweep.hasPointsFile },
  'the result': { pattern: /^result\.\w+$/, state: 'complete' },
  'the lock': { pattern: /^lock$/, state: 'partial' },
};

const DAMAGES = {
  truncated: (path, random) => {
    const { size } = statSync(path);
    truncateSync(path, random.below(size));
  },
  'one bit flipped': (path, random) => {
    const { size } = statSync(path);
    change(path, random.below(size), (byte) => byte ^ (1 << random.below(8)));
  },
  // As a power cut leaves a file whose length was written and whose bytes were not.
  'zeros at its end': (path, random) => {
    const { size } = statSync(path);
    const length = 1 + random.below(Math.min(size, 600));
    write(path, Buffer.alloc(length), size - length);
  },
  deleted: (path) => rmSync(path),
};

/** Faults of stored files, done between two sessions. */
export const FILE_FAULTS = Object.entries(FILES).flatMap(([what, { pattern, state, fits }]) =>
  Object.entries(DAMAGES).map(([how, damage]) => ({
    name: `${how}: ${what}`,
    state,
    fits,
    mayFail: CLEAR,
    mayLose: true,
    act: async (run) => {
      const names = listOf(run.out).filter(
        (name) => pattern.test(name) && statSync(join(run.out, name)).size > 0,
      );
      if (names.length === 0) return false;
      const name = run.random.pick(names.sort());
      damage(join(run.out, name), run.random);
      run.damaged = name;
      return true;
    },
  })),
);

// --- internal ---

function isJavaScript({ worker }) {
  return worker?.includes('.mjs:') === true;
}

function change(path, at, changed) {
  const byte = readFileSync(path).subarray(at, at + 1);
  write(path, Buffer.from([changed(byte[0])]), at);
}

function write(path, bytes, at) {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
}

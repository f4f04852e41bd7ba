import { describe, test } from '@jest/globals';
import fc from 'fast-check';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRecord } from '../../src/checks.js';
import { appendRecord, readRecords } from '../../src/run/journal.js';
import { manifestText, parseStored, type Manifest } from '../../src/run/manifest-text.js';
import { readManifest } from '../../src/run/manifest.js';
import { runPaths } from '../../src/run/paths.js';
import { readEventsFrom, scanAttempts } from '../../src/run/records.js';
import { readTaskStates } from '../../src/run/task-state.js';
import { describeStatus, readStatus } from '../../src/report/status.js';
import { summarize } from '../../src/report/summary.js';
import { watchRun } from '../../src/report/watch.js';
import { readRow } from '../../src/format/read-row.js';
import { readPointsFile } from '../../src/space/points-file.js';
import { space } from '../../src/space/space.js';
import { testFolder } from '../run/folder.js';
import { writePart } from '../run/written-part.js';
import { sampleManifest, sampleSpec } from '../run/sample.js';
import { specHash, type SweepSpec } from '../../src/run/spec.js';
import { feed, feedAsync, mutated, mutatedJson } from './fuzz.js';

const folder = testFolder();

describe('a damaged', () => {
  test('points file is refused, or read', async () => {
    const rows: Record<string, readonly string[]> = {
      csv: ['U,V\n1,2\n3,4\n', 'name,x\n"a ""b""",1.5\n,2\n', 'x\r\n1\r\n', '"U"\n"a\nb"\n'],
      tsv: ['U\tV\n1\t2\n3\t4\n', 'x\n\n1\n', 'a\tb\n\t\n'],
      jsonl: [
        '{"U":1,"V":2.0}\n{"U":3,"V":null}\n',
        '{"s":"\\ud800"}\n',
        '{"a":true,"b":9007199254740993}\n',
      ],
    };
    for (const [ending, valid] of Object.entries(rows)) {
      const path = join(folder, `points.${ending}`);
      await feedAsync(
        mutated(valid, ['""', '\n', ',', '\t', '"U"', '{}', '{"U":', ':', '[1]', '\\u0000']),
        async (text) => {
          writeFileSync(path, text.length % 2 === 0 ? text : Buffer.from(text, 'latin1'));
          const axes = await readPointsFile(path);
          const found = space([axes]);
          return found.point(found.size - 1);
        },
        { runs: 2000 },
      );
    }
  });

  test('manifest is refused, or read', async () => {
    const texts = [manifestText(sampleManifest()), manifestText(smallManifest())];
    feed(
      mutated(texts, ['"version": 2,', '"checksum"', 'null', '{}', '[]']),
      (text) => parseStored(Buffer.from(text)),
      {
        runs: 8000,
      },
    );
    const paths = runPaths(folder);
    await feedAsync(
      // With a checksum of its own, as another version of fanfold might have written it.
      mutatedJson([sampleManifest(), smallManifest()]),
      async (value) => {
        writeFileSync(paths.manifest, storedText(rehashed(value)));
        return readManifest(paths.manifest);
      },
      { runs: 1500 },
    );
  });

  test('journal is read as far as it can be', () => {
    const path = join(folder, 'events.jsonl');
    const records = RECORDS.map((record) => {
      writeFileSync(path, '');
      appendRecord(path, record);
      return readRecords(path);
    });
    if (records.some(({ records: found }) => found.length !== 1))
      throw new Error('A record is not read back.');
    writeFileSync(path, '');
    for (const record of RECORDS) appendRecord(path, record);
    const text = readFileSync(path, 'utf8');
    feed(
      mutated([text, text.slice(0, -1)], ['\n', '"crc":"00000000"}', '{}', 'null\n', '{"event":"end"}\n']),
      (changed) => {
        writeFileSync(path, changed);
        return [readRecords(path), readEventsFrom(path), scanAttempts(path, 0, () => undefined)];
      },
      { runs: 2000 },
    );
  });

  test('record, were its checksum right, is left out or read', () => {
    const manifest = smallManifest();
    const directory = join(folder, 'run');
    const paths = runPaths(directory);
    mkdirSync(directory);
    writePart(paths.part(0), '0   1.0\n# failed 1\n');
    feed(
      fc.array(mutatedJson(RECORDS), { minLength: 1, maxLength: 4 }),
      (changed) => {
        for (const path of [paths.events, paths.failures]) {
          writeFileSync(path, '');
          for (const record of changed)
            if (typeof record === 'object' && record !== null && !Array.isArray(record))
              appendRecord(path, record);
        }
        watchRun(directory, manifest)();
        describeStatus(readStatus(directory, manifest));
        const states = readTaskStates(directory, manifest);
        return summarize({
          directory,
          manifest,
          status: 'failed',
          states,
          computed: 1,
          setAside: [],
        } as never);
      },
      { runs: 500 },
    );
  });

  test('line of a result is refused, or read', () => {
    const lines = {
      txt: ['1   2', '0.5   "a b"   (1+2j)   ', '1   nan   -inf   True', '9007199254740993   2j'],
      csv: ['1,2', '"a,b","""c\\n""",', 'nan,-inf,True', ',,'],
      jsonl: [
        '{"x":1,"y":2.0}',
        '{"x":"a","y":{"re":1,"im":"nan"}}',
        '{"x":null,"y":true}',
        '{"a\\"b":"nan"}',
      ],
    } as const;
    for (const format of ['txt', 'csv', 'jsonl'] as const) {
      feed(
        fc.tuple(mutated(lines[format], ['"', ',', '   ', '{', '}', ':', '\\']), fc.nat(3)),
        ([line, columns]) => readRow(line, format, Array<undefined>(columns).fill(undefined)),
        { runs: 6000, documented: (error) => error instanceof SyntaxError },
      );
    }
  });
});

// --- internal ---

const LAYOUT = { kind: 'scalar', columns: [{ name: 'y', dtype: 'float64' }] };
const PLACE = { time: 1, task: 0, host: 'node1', pid: 7 };

const RECORDS = [
  { event: 'open', time: 1, host: 'node1', pid: 7, jobs: 2, isRetry: true, done: 1 },
  { event: 'start', ...PLACE, lines: 0 },
  { event: 'layout', time: 1, task: 0, layout: LAYOUT },
  { event: 'end', ...PLACE, seconds: 1, points: 2, failed: 1, numbers: { y: 'both' }, nans: { y: 1 } },
  {
    event: 'end',
    ...PLACE,
    seconds: 1,
    points: 2,
    failed: 0,
    layout: LAYOUT,
    file: { lines: 2, bytes: 8, sha256: 'ab' },
  },
  { event: 'died', ...PLACE, seconds: 1, cause: 'killed', isLate: true, isEnded: true },
  { event: 'repair', time: 1, host: 'node1', pid: 7, files: ['result.txt'] },
  { event: 'close', time: 1, host: 'node1', pid: 7, seconds: 1, reason: 'done' },
  {
    time: 1,
    index: 1,
    task: 0,
    parameters: { x: 1 },
    attempt: 1,
    error: 'Error: no',
    stack: 'Error: no\n at x',
  },
];

function smallManifest(): Manifest {
  const spec: SweepSpec = {
    ...sampleSpec(),
    space: {
      groups: [[{ name: 'x', values: { kind: 'arange', dtype: 'int64', start: 0, stop: 4, step: 1 } }]],
    },
    tasks: 2,
  };
  return { ...sampleManifest(spec), points: 4, tasks: 2 };
}

/** Its text, also where it has no form of a manifest at all. */
function storedText(value: unknown): string {
  return isRecord(value) ? manifestText(value as Manifest) : `${JSON.stringify(value ?? null)}\n`;
}

/** A changed spec under its own hash, so that what is tried is not the hash alone. */
function rehashed(value: unknown): unknown {
  if (!isRecord(value) || !isRecord(value['spec'])) return value;
  return { ...value, hash: specHash(value['spec'] as SweepSpec) };
}

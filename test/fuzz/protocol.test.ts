import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { hearReports, readReport } from '../../src/engine/local/hear-reports.js';
import { readResult } from '../../src/host/command/command-result.js';
import { parseResultRule } from '../../src/host/command/result-rule.js';
import { readAnswer } from '../../src/host/command/stream-answer.js';
import { readWord, wordsOf } from '../../src/host/command/words.js';
import { decodePoint, encodePoint } from '../../src/host/protocol.js';
import { decodeValue, encodeValue } from '../../src/host/wire.js';
import { testWith } from '../tools.js';
import { feed, isPlain, mutated, mutatedJson } from './fuzz.js';

const REPORTS: readonly unknown[] = [
  {
    type: 'loaded',
    hasSchema: true,
    columns: { y: 'float64', z: null },
    files: { 'a.py': 'ab' },
    versions: { python: '3.11' },
  },
  { type: 'checked', problems: ['x'] },
  { type: 'point', index: 5 },
  { type: 'layout', layout: { kind: 'record', columns: [{ name: 'y' }, { name: 'z', dtype: 'bool' }] } },
  {
    type: 'ended',
    id: 1,
    exitCode: null,
    signal: 'SIGKILL',
    usage: { peakMemoryBytes: 1, processorSeconds: 0.5 },
  },
  { type: 'returned', id: 1, values: [1, { $float: 'nan' }, { $complex: [1, 2] }] },
  { type: 'raised', id: 1, position: 0, values: [], error: 'no', stack: 'no\n at x' },
  { type: 'done', files: {} },
];

const COMMANDS = [
  '{"type":"load","worker":{"kind":"module","file":"/nowhere.mjs","export":"default"}}',
  '{"type":"check","names":["x"],"points":["{\\"x\\":1}"],"dtypes":{}}',
  '{"type":"run","job":{"directory":"/nowhere","spec":{}}}',
  '{"type":"task","task":{"index":0,"start":0,"stop":1}}',
  '{"type":"call","id":1,"calls":[{"args":[]}]}',
  '{"type":"fork","id":1,"socket":"/nowhere"}',
];

describe('garbage', () => {
  test('on the pipe of reports is no report', () => {
    const texts = REPORTS.map((report) => JSON.stringify(report));
    feed(mutated(texts, ['{}', '"type":', 'null', '[]', '"done"', '"index":-1']), readReport, {
      runs: 14_000,
    });
    feed(mutatedJson(REPORTS), (report) => readReport(JSON.stringify(report ?? null)), { runs: 9000 });
  });

  test('in pieces on that pipe is heard once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), async (pieces) => {
        const stream = Readable.from(
          pieces.map((bytes) => Buffer.from(bytes)),
          { objectMode: false },
        );
        let faults = 0;
        hearReports(
          stream,
          () => {
            throw new Error('Random bytes were taken for a report.');
          },
          () => faults++,
        );
        await new Promise((resolve) => stream.once('close', resolve));
        expect(faults).toBeLessThan(2);
      }),
      { numRuns: 1000 },
    );
  });

  test('among the values of a call is refused', () => {
    const values = [
      1,
      'a',
      { $float: 'nan' },
      { $bigint: '12' },
      { $complex: [1, { $float: 'inf' }] },
      { $bytes: 'YQ==' },
    ];
    const wire = [
      ...values,
      { $array: { dtype: 'float64', data: 'AAAAAAAA8D8=' } },
      { $escape: { $x: 1 } },
      [{ a: [null] }],
    ];
    feed(
      mutatedJson(wire).filter((value) => !JSON.stringify(value ?? null).includes('$shared')),
      (value) => encodeValue(decodeValue(value), 'it'),
      { runs: 6000, documented: (error) => ['TypeError', 'RangeError'].includes((error as Error).name) },
    );
  });

  test('a point is written and read as it is', () => {
    const value = fc.oneof(fc.double(), fc.bigInt(), fc.boolean(), fc.string({ unit: 'binary' }));
    const name = fc.oneof(
      fc.constantFrom('bigint', 'number', 'constructor', 'é'),
      fc.stringMatching(/^[a-z]\w*$/),
    );
    feed(
      fc.dictionary(name, value, { maxKeys: 4, noNullPrototype: true }),
      (point) => {
        expect(decodePoint(encodePoint(point))).toEqual(point);
      },
      { runs: 3000 },
    );
  });

  test('from a program that stays alive fails its point', () => {
    const answers = [
      '1',
      '1.5',
      '[1,2.0]',
      '{"index":3,"y":1}',
      '{"error":"no"}',
      '{"y":{"re":1,"im":2}}',
      'NaN',
      '"a"',
    ];
    feed(
      mutated(answers, ['"index":', '"index":3,', '{', '[', 'Infinity', '"y":', ':', ',']),
      (line) => readAnswer(line, 3, undefined),
      { runs: 11_000, documented: isPlain },
    );
  });

  test('from a command fails its point', () => {
    const printed = [
      '1 2.5\n',
      '(1,2) (1+2j) 2i\n',
      'E = 0.5\nE = 1\n',
      '{"a":1,"b":[2]}',
      '3\n\n',
      '1.0D+03 .5E-308 nan',
    ];
    const rules = [
      'line',
      'last-line',
      'json',
      'exit',
      'regex:E = (\\S+)',
      'regex:(?<a>\\S+) (?<b>\\S+)',
      'file:x',
    ];
    const columns = [
      undefined,
      [{ name: 'a' }],
      [
        { name: 'a', dtype: 'float64' },
        { name: 'b', dtype: 'int64' },
      ],
    ] as const;
    feed(
      fc.tuple(
        mutated(printed, ['\n', ' ', 'E = ', '***', '(', ')', 'j', 'D+', '.', '1e']),
        fc.constantFrom(...rules),
        fc.constantFrom(...columns),
      ),
      ([text, rule, named]) =>
        readResult(parseResultRule(rule), named, {
          status: 3,
          stdout: () => text,
          stdoutEnd: () => text,
          file: () => text,
        }),
      { runs: 11_000, documented: isPlain },
    );
    feed(
      mutated(printed, ['+', '-', 'i', 'im', 'T', '.true.']),
      (text) => wordsOf(text).map((word) => readWord(word)),
      {
        runs: 3000,
        documented: isPlain,
      },
    );
  });
});

describe('a host that is sent garbage instead of commands', () => {
  const garbage = mutated(COMMANDS, ['{}', '[]', 'null', '"type":', '"exit"', '5']);
  const lines = [
    ...COMMANDS,
    '',
    'garbage',
    'null',
    '{"type":"no"}',
    ...fc.sample(garbage, { numRuns: 10, seed: 1 }),
  ];
  const hosts = [
    [process.execPath, join('dist', 'host.cjs')],
    ['python3', join('dist', 'fanfold_host.py')],
  ] as const;
  for (const [program, file] of hosts) {
    testWith('python3', `ends, and reports what it reports in the right form: ${file}`, async () => {
      for (const line of lines) {
        const { exitCode, reports } = await endOfHost(program, file, line);
        expect([line, exitCode]).toEqual([line, 1]);
        for (const report of reports) expect([line, readReport(report)?.type]).not.toContain(undefined);
      }
    });
  }
});

// --- internal ---

/** Sends a host a line and the end of its commands. */
async function endOfHost(
  program: string,
  file: string,
  line: string,
): Promise<{ exitCode: number | null; reports: string[] }> {
  const child = spawn(program, [file], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  });
  const [, , , reports, commands] = child.stdio as [null, null, null, Readable, Writable];
  let text = '';
  reports.on('data', (bytes: Buffer) => (text += bytes.toString()));
  commands.on('error', () => undefined);
  commands.end(`${line}\n`);
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { exitCode, reports: text.split('\n').slice(0, -1) };
}

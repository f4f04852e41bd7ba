import { describe, expect, test } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { hearReports, readReport } from '../../src/engine/local/hear-reports.js';

describe('a line of a host', () => {
  test('is a report where it has the form of one', () => {
    const reports = [
      { type: 'begin' },
      { type: 'point', index: 4 },
      { type: 'layout', layout: { kind: 'scalar', columns: [{ name: 'y', dtype: 'float64' }] } },
      { type: 'done', files: { 'a.py': 'abc' } },
      { type: 'ended', id: 1, exitCode: null, signal: 'SIGKILL' },
      { type: 'returned', id: 1, values: [1, null] },
      { type: 'broken', message: 'ENOSPC' },
    ];
    for (const report of reports) expect(readReport(JSON.stringify(report))).toEqual(report);
  });

  test.each([
    ...[
      '',
      'null',
      '[]',
      '5',
      'garbage',
      '{',
      '{}',
      '{"type":"constructor"}',
      '{"type":"__proto__"}',
      '{"type":5}',
    ],
    ...[
      '{"type":"point"}',
      '{"type":"point","index":-1}',
      '{"type":"point","index":"4"}',
      '{"type":"done","files":[1]}',
    ],
    ...[
      '{"type":"layout","layout":{"kind":"x","columns":[]}}',
      '{"type":"layout","layout":{"kind":"scalar"}}',
    ],
    '{"type":"layout","layout":{"kind":"scalar","columns":[null]}}',
  ])('is none where it is %j', (line) => {
    expect(readReport(line)).toBeUndefined();
  });
});

test('after what is no report nothing is heard', () => {
  const stream = new PassThrough();
  const heard: unknown[] = [];
  const faults: string[] = [];
  hearReports(
    stream,
    (report) => heard.push(report),
    (fault) => faults.push(fault),
  );
  stream.write('{"type":"begin"}\ngarb\x1b[31mage{"type":"done"}\n{"type":"done"}\nmore\n');
  stream.read();
  expect([heard, faults]).toEqual([
    [{ type: 'begin' }],
    [expect.stringContaining(String.raw`"garb\u001b[31mage{\"type\":\"done\"}"`)],
  ]);
});

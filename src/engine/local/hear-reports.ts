import type { Readable } from 'node:stream';
import { readLines } from '../../host/lines.js';
import type { Report } from '../../host/protocol.js';

/** A string of JavaScript can't be much longer. */
const MOST_CHARACTERS = 500 << 20;
const SHOWN_CHARACTERS = 200;

/**
 * Hears what a host reports. A worker can write onto the same descriptor, by number or through a library; what it writes is
 * no report, may have torn one, and leaves nothing to be trusted after it.
 * @param onForeign called once, with what came in words for a person; nothing is heard after that
 */
export function hearReports(
  stream: Readable,
  onReport: (report: Report) => void,
  onForeign: (fault: string) => void,
): void {
  let isForeign = false;
  const refuse = (what: string): void => {
    if (isForeign) return;
    isForeign = true;
    onForeign(
      `It was ended because it wrote onto a descriptor of fanfold's own, by which processes report what they did: ${what}. Let the worker write only into files that it has opened, its stdout and its stderr.`,
    );
  };
  const torn = readLines(stream, (line) => {
    if (isForeign) return;
    const report = readReport(line);
    if (report === undefined) refuse(JSON.stringify(line.slice(0, SHOWN_CHARACTERS)));
    else onReport(report);
  });
  stream.on('data', () => {
    if (torn.length() > MOST_CHARACTERS) refuse(`a line of more than ${String(MOST_CHARACTERS >> 20)} MB`);
  });
}

/** The report that a line holds, or undefined where it holds none. */
export function readReport(line: string): Report | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || typeof value['type'] !== 'string' || !Object.hasOwn(FORMS, value['type']))
    return undefined;
  const form = FORMS[value['type'] as Report['type']];
  const isReport = Object.entries(form).every(([key, holds]) => holds(own(value, key)));
  return isReport ? (value as Report) : undefined;
}

// --- internal ---

type Check = (value: unknown) => boolean;

const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const amount: Check = (value) => typeof value === 'number' && value >= 0;
const text: Check = (value) => typeof value === 'string';
const flag: Check = (value) => typeof value === 'boolean';
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const textsByName: Check = (value) => isRecord(value) && Object.values(value).every(text);
const textOrNull: Check = (value) => value === null || text(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const columns: Check = (value) => isRecord(value) && Object.values(value).every(textOrNull);
const layout: Check = (value) =>
  isRecord(value) &&
  ['scalar', 'vector', 'record'].includes(String(value['kind'])) &&
  Array.isArray(value['columns']) &&
  value['columns'].every(
    (column) => isRecord(column) && text(column['name']) && optional(text)(column['dtype']),
  );

const usage: Check = (value) =>
  isRecord(value) && amount(value['peakMemoryBytes']) && amount(value['processorSeconds']);

/** What the fields of each report must hold for a coordinator to read it. */
const FORMS: Record<Report['type'], Readonly<Record<string, Check>>> = {
  loaded: {
    columns: optional(columns),
    hasSchema: flag,
    files: optional(textsByName),
    versions: optional(textsByName),
  },
  refused: { message: text },
  checked: { problems: texts },
  begin: {},
  point: { index: count },
  layout: { layout },
  done: { files: optional(textsByName) },
  hello: { id: count, pid: count },
  forked: { id: count, pid: count },
  ended: {
    id: count,
    exitCode: (value) => value === null || count(value),
    signal: textOrNull,
    usage: optional(usage),
  },
  returned: { id: count, values: Array.isArray },
  raised: { id: count, position: count, values: Array.isArray, error: text, stack: optional(text) },
  failed: { indices: (value) => Array.isArray(value) && value.every(count) },
  pace: { isFast: flag },
  again: { index: count, afterMs: amount },
  superseded: {},
  broken: { message: text, stack: optional(text) },
};

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function own(record: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

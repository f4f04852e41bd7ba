import type { Readable } from 'node:stream';
import {
  hasForm,
  isAmount,
  isCount,
  isFlag,
  isLayout,
  isRecord,
  isText,
  listOf,
  optional,
  recordOf,
  type Check,
} from '../../checks.js';
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
  return FORMS[value['type'] as Report['type']](value) ? (value as Report) : undefined;
}

// --- internal ---

const isTextOrNull: Check = (value) => value === null || isText(value);
const areFiles = optional(recordOf(isText));

/** What the fields of each report must hold for a coordinator to read it. */
const FORMS: Readonly<Record<Report['type'], Check>> = {
  loaded: hasForm({
    columns: optional(recordOf(isTextOrNull)),
    hasSchema: isFlag,
    files: areFiles,
    versions: optional(recordOf(isText)),
  }),
  refused: hasForm({ message: isText }),
  checked: hasForm({ problems: listOf(isText) }),
  begin: hasForm({}),
  point: hasForm({ index: isCount }),
  computed: hasForm({}),
  layout: hasForm({ layout: isLayout }),
  done: hasForm({ files: areFiles }),
  hello: hasForm({ id: isCount, pid: isCount }),
  forked: hasForm({ id: isCount, pid: isCount }),
  ended: hasForm({
    id: isCount,
    exitCode: (value) => value === null || isCount(value),
    signal: isTextOrNull,
    usage: optional(hasForm({ peakMemoryBytes: isAmount, processorSeconds: isAmount })),
  }),
  returned: hasForm({ id: isCount, values: Array.isArray }),
  raised: hasForm({
    id: isCount,
    position: isCount,
    values: Array.isArray,
    error: isText,
    stack: optional(isText),
  }),
  failed: hasForm({ indices: listOf(isCount) }),
  pace: hasForm({ isFast: isFlag }),
  again: hasForm({ index: isCount, afterMs: isAmount }),
  superseded: hasForm({}),
  broken: hasForm({ message: isText, place: optional(isText), stack: optional(isText) }),
};

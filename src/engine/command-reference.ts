import { resolve } from 'node:path';
import { FanfoldError, usage } from '../errors.js';
import type { Column } from '../format/layout.js';
import { DTYPES, type Dtype } from '../format/value.js';
import { namesIn, parseTemplate, fillTemplate } from '../host/command/placeholders.js';
import { groupNames, parseResultRule } from '../host/command/result-rule.js';
import type { CommandSpec } from '../run/spec.js';
import { findProgram, isPath, type FoundProgram } from './program.js';
import type { CommandReference } from './worker-reference.js';

/** Where and how a command runs; none of it changes a byte of the result. */
export interface CommandPlace {
  /** Absolute path of the folder in which it runs; the current one by default. */
  readonly folder?: string;
  readonly keepScratch?: boolean;
}

/** A command as a user gives it. */
export interface CommandOptions {
  readonly command: readonly string[];
  readonly result?: string | undefined;
  readonly columns?: CommandSpec['columns'];
  readonly stream?: boolean | undefined;
  readonly shell?: boolean | undefined;
  readonly stdin?: boolean | undefined;
}

/**
 * The spec of a command, with what is not given filled in.
 * @throws FanfoldError where there is no command, or a rule for the result of one that answers in JSON
 */
export function commandSpec(options: CommandOptions): CommandSpec {
  const { command, result, columns, stream = false, shell = false, stdin = false } = options;
  if (command.length === 0) throw usage('Expected a command after --, got nothing.');
  if (stream && result !== undefined)
    throw usage(
      `Expected --stream without --result: a program that stays alive answers in JSON, got --result ${result}.`,
    );
  return {
    command: [...command],
    stream,
    shell,
    stdin,
    result: stream ? 'json' : (result ?? 'line'),
    ...(columns === undefined ? {} : { columns }),
  };
}

/**
 * Checks a command and finds its program.
 * @throws FanfoldError where its options contradict each other, or the program is not there or can't be run
 */
export function commandReference(spec: CommandSpec, place: CommandPlace = {}): CommandReference {
  const { folder = process.cwd(), keepScratch = false } = place;
  checkOptions(spec, keepScratch);
  const [first = ''] = spec.command;
  const program = programPath(spec.shell ? '/bin/sh' : literal(first), folder);
  return { kind: 'command', spec, program, folder, keepScratch };
}

/** Reads `--columns energy,error:float64`; names and types are checked with the command that they are of. */
export function parseColumns(text: string): NonNullable<CommandSpec['columns']> {
  return text.split(',').map((part) => {
    const { name = '', dtype } = /^(?<name>[^:]*)(?::(?<dtype>.*))?$/.exec(part.trim())?.groups ?? {};
    return dtype === undefined ? { name } : { name, dtype: dtype as Dtype };
  });
}

// --- internal ---

function checkOptions(spec: CommandSpec, keepScratch: boolean): void {
  const { command, stream, shell, stdin, result, columns } = spec;
  const rule = parseResultRule(result);
  if (columns !== undefined) checkColumns(columns);
  if (rule.kind === 'regex' && columns !== undefined) checkGroups(groupNames(rule.pattern), columns);
  if (shell && command.length !== 1) {
    throw usage(
      `Expected one line for the shell after --, got ${String(command.length)} words: quote the line as a whole, or leave --shell out.`,
    );
  }
  if (!stream) return;
  const refused = [
    ['--stdin', stdin],
    ['--shell', shell],
    ['--keep-scratch', keepScratch],
  ] as const;
  const [name] = refused.find(([, isGiven]) => isGiven) ?? [];
  if (name !== undefined)
    throw usage(`Expected --stream without ${name}: a program that stays alive reads its points on stdin.`);
}

function checkColumns(columns: readonly Column[]): void {
  const names = columns.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (names.length === 0 || names.includes(''))
    throw usage('Expected --columns to be NAME[:TYPE],…, such as energy,error, got a column without a name.');
  if (repeated !== undefined) throw usage(`Expected each of --columns once, got "${repeated}" twice.`);
  const odd = columns.find(({ dtype }) => dtype !== undefined && !DTYPES.includes(dtype));
  if (odd !== undefined)
    throw usage(
      `Expected the type of --columns to be one of ${DTYPES.join(', ')}, got "${odd.dtype ?? ''}".`,
    );
}

/** Named groups go by their names, so they must be those of the columns. */
function checkGroups(groups: readonly string[], columns: readonly Column[]): void {
  const names = columns.map(({ name }) => name);
  if (groups.length === 0 || [...groups].sort().join() === [...names].sort().join()) return;
  throw usage(
    `Expected --columns to have the names of the regular expression's groups (${groups.join(', ')}), got ${names.join(', ')}.`,
  );
}

/** A parameter's value must never choose what is run. */
function literal(first: string): string {
  const template = parseTemplate(first);
  const [name] = namesIn(template);
  if (name === undefined) return fillTemplate(template, () => '');
  throw usage(
    `Expected the program itself to be the same for every point, got "${first}".${/\s/.test(first) ? ' If that is a whole line, take its quotes away, or use --shell.' : ''} Let a script choose by its argument {${name}}; write {{${name}}} if the name really has braces.`,
  );
}

function programPath(name: string, folder: string): string {
  if (name === '') throw usage('Expected a command after --, got an empty name.');
  const found = findProgram(name, folder, process.env);
  if (found?.state === 'runs') return found.path;
  throw new FanfoldError('FANFOLD_WORKER', describeMissing(name, found, folder));
}

function describeMissing(name: string, found: FoundProgram | undefined, folder: string): string {
  const expected = `Expected the command "${name}" to be a program,`;
  switch (found?.state) {
    case 'folder':
      return `${expected} got a folder: ${found.path}.`;
    case 'not executable':
      return `${expected} but ${found.path} is not executable. Make it so with chmod +x, or name its interpreter first.`;
    default:
      return isPath(name)
        ? `${expected} but there is no such file: ${resolve(folder, name)}.`
        : `${expected} but it is in none of the folders of PATH. A program of this folder is named ./${name}.`;
  }
}

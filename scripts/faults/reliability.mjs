import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeMachine } from '../bench/machine.mjs';
import { FAULTS_A_ROUND } from './plan.mjs';

const DOCUMENT = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url));
const PRETTIER = fileURLToPath(new URL('../../node_modules/prettier/bin/prettier.cjs', import.meta.url));

/** Writes docs/reliability.md from what a run saw. */
export function writeReliability({ seed, rounds, rows, peers }) {
  const text = [
    '# Reliability',
    '',
    '<!-- Written by `npm run test:faults -- --report`. -->',
    '',
    ...introduction({ seed, rounds, rows }),
    '',
    table(
      ['fault', 'tried', 'survived', 'of these after advice', 'points lost', 'points repeated'],
      rows.map(({ name, tried, survived, advised, lost, repeated }) => [
        name,
        ...[tried, survived, advised, lost, repeated].map(String),
      ]),
    ),
    '',
    ...explanation(),
    '',
    ...comparison(peers),
    '',
  ].join('\n');
  writeFileSync(DOCUMENT, text);
  execFileSync(process.execPath, [PRETTIER, '--write', DOCUMENT], { stdio: 'ignore' });
}

// --- internal ---

function introduction({ seed, rounds, rows }) {
  const { processor, cores, memoryGb, system, fanfold, node, python } = describeMachine({
    version: execFileSync('python3', ['--version'], { encoding: 'utf8' }).trim(),
  });
  const tried = rows.reduce((sum, row) => sum + row.tried, 0);
  return [
    'What is measured here, and by which command, so that you can measure it too: `npm run test:faults` runs real sweeps',
    '(JavaScript, Python with fork and spawn, commands, shell lines, programs that stay alive; fast and slow points; failing points;',
    'txt, csv and jsonl; 3 tasks to some dozens) and does the faults below to them at random moments. After each the run is resumed,',
    'by the same command or by `fanfold resume`, and at the end `result` is compared byte for byte with that of an undisturbed run.',
    'A stack, a hang, a process that lives 2 s after its coordinator, or an error that does not say what to do is a failure.',
    '',
    `The run of this table: fanfold ${fanfold}, node ${node}, ${python}, on ${processor}, ${String(cores)} cores, ${String(memoryGb)} GB, ${system};`,
    `seed ${seed}, ${String(rounds)} rounds of up to ${String(FAULTS_A_ROUND)} faults, ${String(tried)} faults.`,
  ];
}

function explanation() {
  return [
    '- **survived**: the result has the right bytes in the end, and everything above holds. **After advice**: on the way there an',
    '  error with a code asked for something that a user has to do (make room, remove a damaged file, `fanfold retry`, `--force`',
    '  where the manifest itself is gone), and doing so led to the right result.',
    '- **lost**: points whose lines were in the files before the fault, and which were computed again. Where no file is damaged that',
    '  is none. A damaged or deleted file costs its own points; without the manifest or its journal, nothing that is there can be proven.',
    '  Where several faults meet a run, each is charged with what it cost, also where that comes to light only later.',
    '- **repeated**: how often points were computed to their end once more: those that were lost, and those that were in hand or not yet',
    '  written. Files of a run under way are damaged between two sessions; what the end of the first (SIGKILL, SIGINT) cost counts here too.',
    '',
    "No temporary file is left by any of these, except a folder in the system's directory for temporary files where the reaper is killed",
    'together with its coordinator: then nobody is left to remove it.',
  ];
}

function comparison(peers) {
  const measured = peers.filter(({ version }) => version !== undefined);
  const faults = measured[0]?.cells.map(({ name }) => name) ?? [];
  return [
    '## Other programs under the same faults',
    '',
    'Twenty points of 0.1 s by two processes, the same faults done to each program by the same procedure (`node',
    'scripts/faults/peers.mjs`). A program that has not ended after 15 s is taken to hang. When a coordinator is killed, two points of',
    '5 s are in hand; what lives on is watched for 10 s. "Again" is the same command once more.',
    '',
    ...measured.map(({ title, version, shown }) => `- ${title} (${version}): \`${shown}\``),
    ...peers
      .filter(({ version }) => version === undefined)
      .map(({ title, reason }) => `- ${title}: not measured (${reason})`),
    '',
    table(
      ['', ...measured.map(({ title }) => title)],
      faults.map((name) => [
        name,
        ...measured.map(({ cells }) => cells.find((cell) => cell.name === name)?.seen ?? ''),
      ]),
    ),
    '',
    'To be fair: a `Pool` keeps nothing by design, so that what is repeated there is the whole; joblib keeps what it has computed only',
    'with `Memory`, and recognizes a point by its arguments and not by its place, which is why changed inputs are no trouble to it.',
    'GNU parallel recognizes a job by its line number: after changed inputs it believes that all was done, and says so with exit code 0;',
    'fanfold refuses such a run directory, and by default gives other inputs another one. The full disk holds the results and what each',
    'program keeps; its temporary files are elsewhere (GNU parallel tells of a full disk there).',
  ];
}

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

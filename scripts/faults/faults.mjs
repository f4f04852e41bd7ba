// `npm run test:faults`: real sweeps under faults, each result compared with an undisturbed run's.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HELP, readOptions } from './options.mjs';
import { measurePeers } from './peers.mjs';
import { FAULTS, planRounds } from './plan.mjs';
import { references } from './reference.mjs';
import { writeReliability } from './reliability.mjs';
import { formatTable, tally } from './report.mjs';
import { runRound } from './round.mjs';
import { Loss } from './session.mjs';
import { prepareModels, SWEEPS } from './sweeps.mjs';
import { checkTools, enterNamespace } from './tools.mjs';

process.exitCode = await main(process.argv.slice(2));

// --- internal ---

async function main(argv) {
  const options = readOptions(argv);
  if (options.isHelp) return say(HELP, 0);
  if (options.isList) return say(FAULTS.map(({ name }) => name).join('\n'), 0);
  if (options.fault !== undefined) return say(`test:faults: ${options.fault}`, 2);
  const inside = enterNamespace();
  if (inside !== undefined) return inside;
  const tools = checkTools();
  for (const line of tools.skipped) say(line);
  if (tools.isRefused) return 2;
  const faults = FAULTS.filter((fault) => fault.name.includes(options.only) && tools.can(fault));
  const sweeps = SWEEPS.filter((sweep) => sweep.name.includes(options.sweep) && tools.can(sweep));
  if (faults.length * sweeps.length === 0) return say('test:faults: nothing of that name', 2);
  return tryAll(options, planRounds(options.seed, options.rounds, { faults, sweeps }));
}

async function tryAll({ seed, round: only, lanes, rounds: count, isReport }, planned) {
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-faults-'));
  const models = join(folder, 'models');
  prepareModels(models);
  say(`test:faults: seed ${seed}, ${String(count)} rounds, in ${folder}`);
  const rounds = only === undefined ? planned : planned.filter(({ number }) => number === only);
  const started = performance.now();
  const done = await inLanes(rounds, lanes, { seed, folder, models });
  const outcomes = done.flatMap((round) => round.outcomes);
  const rows = tally(
    outcomes,
    FAULTS.map(({ name }) => name),
  );
  for (const line of formatTable(rows)) say(line);
  const leftovers = outcomes.flatMap((outcome) => outcome.leftovers ?? []);
  say(`Temporary files left in complete runs: ${String(leftovers.length)} ${leftovers.join(' ')}`.trim());
  if (isReport) writeReliability({ seed, rounds: count, rows, peers: await measurePeers(say) });
  const failed = done.filter(({ error }) => error !== undefined);
  const survived = outcomes.filter(({ isSurvived }) => isSurvived).length;
  const seconds = Math.round((performance.now() - started) / 1000);
  if (failed.length === 0) rmSync(folder, { recursive: true });
  else say(`Failed rounds: ${failed.map(({ number }) => number).join(', ')}; their files are in ${folder}`);
  say(
    `Faults: ${String(outcomes.length)} tried, ${String(survived)} survived, seed ${seed}, ${String(seconds)} s`,
  );
  return failed.length === 0 ? 0 : 1;
}

async function inLanes(rounds, lanes, { seed, folder, models }) {
  const queue = [...rounds];
  const done = [];
  const referenceOf = references(folder, models);
  const lane = async () => {
    for (let round = queue.shift(); round !== undefined; round = queue.shift()) {
      const reference = await referenceOf(round.sweep, round.format);
      const result = await runRound(round, { seed, folder, models, reference });
      if (result.error === undefined) rmSync(result.place, { recursive: true });
      else tell(seed, result);
      done.push(result);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return done;
}

function tell(seed, { number, sweep, format, place, error, outcomes }) {
  const names = outcomes.map(({ fault }) => fault.name);
  say(`FAILED: round ${String(number)} of seed ${seed}: ${sweep.name}, ${format}, in ${place}`);
  say(`  after ${names.join('; ')}`);
  say(`  ${error instanceof Loss ? error.message : error.stack}`);
}

function say(text, exitCode) {
  process.stderr.write(`${text}\n`);
  return exitCode;
}

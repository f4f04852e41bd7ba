import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { alternate } from './alternation.mjs';
import { pythonCommand } from './command.mjs';
import { timeFigures, timeRatio } from './figures.mjs';
import { runTrial } from './trial.mjs';

const ITEMS = '20000';
const PROCESSES = '2';
const AIM = 0.5;

/** (pool) Many tasks of one cheap item: what handing out a task and getting its value back costs. */
export async function benchPool({ python, runs, folder, say }) {
  const piscina = installPiscina(folder, say);
  const peer = pythonCommand(python, 'concurrent_futures_double.py', ITEMS, PROCESSES);
  const outcomes = await alternate(
    {
      fanfold: () => runTrial(folder, () => nodeCommand('pool-double.mjs', ITEMS, PROCESSES)),
      Python: () => runTrial(folder, () => peer),
      ...(piscina === undefined
        ? {}
        : {
            piscina: () =>
              runTrial(folder, () => nodeCommand('piscina-double.mjs', piscina.path, ITEMS, PROCESSES)),
          }),
    },
    runs,
    say,
  );
  return {
    title: `pool.map of ${ITEMS} tasks of one item, over ${PROCESSES} processes`,
    notes: [
      'Python is concurrent.futures.ProcessPoolExecutor.map with chunksize 1. All times hold the start of the processes.',
      piscina === undefined
        ? 'piscina could not be installed, so it is left out.'
        : `piscina ${piscina.version} uses threads: it starts no process, and a crash ends the whole program.`,
    ],
    figures: timeFigures(outcomes),
    ratios: [
      timeRatio(outcomes, ['fanfold', 'Python'], AIM),
      ...(piscina === undefined ? [] : [timeRatio(outcomes, ['fanfold', 'piscina'])]),
    ],
    checks: [],
  };
}

// --- internal ---

function nodeCommand(name, ...args) {
  return [process.execPath, join(import.meta.dirname, name), ...args];
}

/** Into the bench's own folder, because fanfold has no use for it. */
function installPiscina(folder, say) {
  say('installing piscina');
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, 'piscina@5'];
  const { status } = spawnSync('npm', args, { cwd: folder, stdio: 'ignore' });
  if (status !== 0) return undefined;
  const place = join(folder, 'node_modules', 'piscina');
  const { version } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'));
  return { path: createRequire(join(folder, 'bench.js')).resolve(place), version };
}

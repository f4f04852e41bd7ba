// What other programs do under the same faults: `node scripts/faults/peers.mjs` measures it, as root.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mountDisk, unmountDisk } from './fault-disk.mjs';
import { PEER_FAULTS } from './peer-faults.mjs';
import { TOOLS } from './peer-tools.mjs';
import { killAll } from './processes.mjs';
import { enterNamespace } from './tools.mjs';

if (process.argv[1] === import.meta.filename) {
  process.exitCode = enterNamespace() ?? (await main());
}

/**
 * Measures all of it.
 * @returns for each program its versions and what it did under each fault, or why it was left out
 */
export async function measurePeers(say) {
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-peers-'));
  const results = [];
  for (const [key, tool] of Object.entries(TOOLS)) {
    try {
      results.push({ key, ...tool, version: tool.version(), cells: await measure(key, tool, folder, say) });
    } catch (error) {
      say(`skipped: ${tool.title} (${error.message})`);
      results.push({ key, ...tool, version: undefined, reason: error.message });
    }
  }
  rmSync(folder, { recursive: true });
  return results;
}

// --- internal ---

async function measure(key, tool, parent, say) {
  const cells = [];
  for (const [name, act] of Object.entries(PEER_FAULTS)) {
    const folder = join(parent, `${key}-${String(cells.length)}`);
    const needsDisk = name.includes('disk');
    mkdirSync(folder);
    if (needsDisk) mountDisk(folder);
    const peer = {
      tool,
      folder,
      id: `${key}-${String(cells.length)}-${String(process.pid)}`,
      marks: `${folder}.marks`,
    };
    try {
      const seen = (await act(peer)).filter((text) => text !== '').join('; ');
      say(`${tool.title}, ${name}: ${seen}`);
      cells.push({ name, seen });
    } finally {
      killAll(peer.id);
      if (needsDisk) unmountDisk(folder);
    }
  }
  return cells;
}

async function main() {
  const results = await measurePeers((text) => process.stderr.write(`${text}\n`));
  return results.every(({ version }) => version !== undefined) ? 0 : 1;
}

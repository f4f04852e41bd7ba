import { execFileSync } from 'node:child_process';
import { rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { again, end, marks, orphans, outcome, start, twice } from './peer-session.mjs';
import { countMarks } from './points.mjs';
import { processesOf, signal } from './processes.mjs';

const CHANGED = [10, 30];

/** The faults, each a procedure that gives what was seen, in words. */
export const PEER_FAULTS = {
  'a worker is killed (SIGKILL)': async (peer) => {
    const env = { PEERS_KILL_ONCE: join(peer.folder, 'killed') };
    const first = await end(start(peer, { env }));
    const seen = [first, outcome(peer, 'then'), await again(peer, { env })];
    const { mend } = peer.tool;
    if (mend !== undefined) seen.push(`${mend.name}: ${await again(peer, { env, command: mend.command })}`);
    return seen;
  },
  'the coordinator is killed (SIGKILL)': async (peer) => {
    const session = start(peer, { env: { PEERS_LONG: '1' } });
    await marks(peer, session, 7);
    signal(session.pid, 'SIGKILL');
    return [await orphans(peer), await again(peer)];
  },
  'Ctrl-C (SIGINT to the terminal)': async (peer) => {
    const session = start(peer);
    await marks(peer, session, 7);
    signal(-session.pid, 'SIGINT');
    return [await end(session), await again(peer)];
  },
  'the last 3 bytes of what it keeps are torn off': async (peer) => {
    const session = start(peer);
    await marks(peer, session, 7);
    for (const { pid } of processesOf(peer.id)) signal(pid, 'SIGKILL');
    await end(session);
    const kept = peer.tool.kept(peer.folder);
    for (const path of kept) truncateSync(path, Math.max(0, statSync(path).size - 3));
    return [kept.length === 0 ? 'keeps nothing' : '', await again(peer)];
  },
  'the inputs change, then it goes on': async (peer) => {
    await end(start(peer));
    const before = countMarks(peer.marks);
    const how = await end(start(peer, { range: CHANGED }));
    const computed = countMarks(peer.marks) - before;
    return [how, `computes ${String(computed)} points where 10 are new`, outcome(peer, 'then', CHANGED)];
  },
  'the disk is full': async (peer) => {
    const filler = join(peer.folder, 'filler');
    execFileSync('sh', ['-c', `dd if=/dev/zero of=${filler} bs=4k 2>/dev/null || true`]);
    const first = await end(start(peer));
    const then = outcome(peer, 'then');
    rmSync(filler);
    return [first, then, await again(peer)];
  },
  'two are started at once': async (peer) => {
    const both = [start(peer), start(peer)];
    const ends = await Promise.all(both.map((session) => end(session)));
    return [ends.join(' and '), outcome(peer, ''), twice(peer)];
  },
};

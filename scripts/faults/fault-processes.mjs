import { setTimeout as sleep } from 'node:timers/promises';
import { processesOf, signal } from './processes.mjs';

/** What a process is called in the names of faults, and which it is. */
const VICTIMS = {
  'a worker': ({ role }) => role === 'worker',
  'the coordinator': ({ role }) => role === 'coordinator',
  'the reaper': ({ role }) => role === 'reaper',
  'the fork server': ({ role }) => role === 'server',
  'a process below': ({ role }) => role !== 'coordinator',
};
const STOPPED_MS = [20, 400];

/**
 * Faults of processes: each is done while a session computes.
 * `act` gives false where there was no such process; a session that it ends is waited for by the caller.
 */
export const PROCESS_FAULTS = [
  ...Object.keys(VICTIMS).map((victim) => killing(victim)),
  ...Object.keys(VICTIMS).map((victim) => stopping(victim)),
  together('SIGKILL: all workers at once', ({ role }) => role === 'worker' || role === 'server'),
  together('SIGKILL: all processes at once', () => true),
  together('SIGKILL: coordinator and reaper', ({ role }) => role === 'coordinator' || role === 'reaper'),
  {
    name: 'SIGKILL: the coordinator, while its workers are stopped',
    state: 'running',
    act: async (run) => {
      const all = processesOf(run.id);
      for (const { pid, role } of all) if (role === 'worker') signal(pid, 'SIGSTOP');
      return killFirst(all, ({ role }) => role === 'coordinator');
    },
  },
  ...['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => signalling(name)),
  {
    name: 'SIGINT: twice',
    state: 'running',
    act: async (run) => {
      signal(run.session.pid, 'SIGINT');
      await sleep(run.random.between(0, 60));
      return signal(run.session.pid, 'SIGINT');
    },
  },
  {
    name: 'SIGINT: the whole terminal',
    state: 'running',
    act: async (run) => signal(-run.session.pid, 'SIGINT'),
  },
  { name: 'SIGTERM: a worker', state: 'running', act: async (run) => onOne(run, 'a worker', 'SIGTERM') },
];

// --- internal ---

function fitsFor(victim) {
  return victim === 'the fork server' ? (sweep) => sweep.method === 'fork' : undefined;
}

function killing(victim) {
  return {
    name: `SIGKILL: ${victim}`,
    state: 'running',
    fits: fitsFor(victim),
    act: async (run) => onOne(run, victim, 'SIGKILL'),
  };
}

function stopping(victim) {
  return {
    name: `SIGSTOP, SIGCONT: ${victim}`,
    state: 'running',
    fits: fitsFor(victim),
    act: async (run) => {
      const pid = pickOne(run, victim)?.pid;
      if (pid === undefined || !signal(pid, 'SIGSTOP')) return false;
      await sleep(run.random.between(...STOPPED_MS));
      signal(pid, 'SIGCONT');
      return true;
    },
  };
}

function signalling(name) {
  return {
    name: `${name}: the coordinator`,
    state: 'running',
    act: async (run) => signal(run.session.pid, name),
  };
}

function together(name, isMeant) {
  return {
    name,
    state: 'running',
    // Without the reaper nobody removes the coordinator's temporary folder.
    mayLeave: true,
    act: async (run) => {
      const hit = processesOf(run.id).filter(isMeant);
      for (const { pid } of hit) signal(pid, 'SIGKILL');
      return hit.length > 0;
    },
  };
}

function pickOne(run, victim) {
  const candidates = processesOf(run.id).filter(VICTIMS[victim]);
  return candidates.length === 0 ? undefined : run.random.pick(candidates);
}

function onOne(run, victim, name) {
  const pid = pickOne(run, victim)?.pid;
  return pid !== undefined && signal(pid, name);
}

function killFirst(all, isMeant) {
  const pid = all.find(isMeant)?.pid;
  return pid !== undefined && signal(pid, 'SIGKILL');
}

import type { HostWorker } from '../../host/protocol.js';
import { startHost, type HostOptions, type HostProcess } from './host-process.js';
import { makeTemporary, removeTemporary } from './temporary-folder.js';
import { startReaper } from './reaper.js';

/** The processes of a run, started ahead of their work: they boot while the worker is being bundled. */
export interface Crew {
  /** How many were started ahead. */
  readonly size: number;
  /**
   * Has every waiting process load the worker; gives the first of them that lives, which stays in the crew. Called again
   * where that one has died.
   */
  load(worker: HostWorker): HostProcess;
  /** A process for a job slot, one that waits or a new one, which has been told to load the worker. */
  take(worker: HostWorker): HostProcess;
  /** Asks every process that is left to end, and waits for that. */
  end(): Promise<void>;
  /** Ends every process that is left, at once. */
  readonly close: () => void;
  /** True once that was called: a process that died then was ended by us. */
  readonly isClosed: boolean;
}

export interface CrewOptions {
  /** How many processes are started ahead. */
  readonly count: number;
  /** The environment of every process. */
  readonly env: NodeJS.ProcessEnv;
  /** Path of a temporary folder, which is made here and lives no longer than this process. */
  readonly folder: string;
}

/** Starts hosts, which load nothing until they are told, and the reaper that ends them if this process dies. */
export function startCrew({ count, env, folder, program }: CrewOptions & Pick<HostOptions, 'program'>): Crew {
  const reaper = startReaper();
  makeTemporary(folder, reaper);
  const everyone = new Set<HostProcess>();
  const start = (): HostProcess => {
    const host = startHost({ program, env, reaper, onEnd: () => everyone.delete(host) });
    everyone.add(host);
    return host;
  };
  const killAll = (): void => {
    for (const host of everyone) host.kill();
  };
  const closeReaper = (): void => {
    removeTemporary(folder, reaper);
    reaper.close();
  };
  const waiting: HostProcess[] = [];
  let isClosed = false;
  try {
    while (waiting.length < count) waiting.push(start());
  } catch (error) {
    killAll();
    reaper.close();
    throw error;
  }
  return {
    size: count,
    load: (worker) => {
      const living = waiting.filter((host) => everyone.has(host));
      waiting.splice(0, Infinity, ...living);
      if (waiting.length === 0) waiting.push(start());
      for (const host of waiting) if (!host.hasLoaded) host.send({ type: 'load', worker });
      return waiting[0] as HostProcess;
    },
    take: (worker) => {
      const host = waiting.shift() ?? start();
      if (!host.hasLoaded) host.send({ type: 'load', worker });
      return host;
    },
    end: async () => {
      await Promise.all(Array.from(everyone, (host) => host.exit()));
      closeReaper();
    },
    get isClosed() {
      return isClosed;
    },
    close: () => {
      isClosed = true;
      killAll();
      closeReaper();
    },
  };
}

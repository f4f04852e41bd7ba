import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { isDeath, type Death, type HostProcess } from '../engine/local/host-process.js';
import { FanfoldError, systemCode } from '../errors.js';
import type { CallReport, Command, Report, WorkerFunction } from '../host/protocol.js';
import { decodeValue } from '../host/wire.js';
import type { Chunk } from './chunk.js';
import { temporaryPath } from './worker.js';

/** A process is given as much ahead as it did in this time, so that it never waits and nothing waits long for it. */
const AHEAD_MS = 5;
const MOST_AHEAD = 32;
/** Weight of the last chunk in the mean time of one. */
const NEWEST = 0.2;

export interface SlotOptions {
  readonly start: () => HostProcess;
  /** Why its program can't run, to be asked where a process ended before it had loaded anything. */
  readonly fault: () => FanfoldError | undefined;
  /** A chunk that a process has not begun, because it died before. */
  readonly giveBack: (chunks: readonly Chunk[]) => void;
  /** There is room, or the process has ended. */
  readonly onChange: () => void;
}

/** Room for one process of a pool, and what that has in hand. */
export class Slot {
  readonly #options: SlotOptions;
  /** Sent and not answered, in the order of the answers. */
  #flights: Flight[] = [];
  /** Waits for its worker to be loaded. */
  #held: Flight | undefined;
  #host: HostProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #worker: WorkerFunction | undefined;
  #sent = 0;
  #meanMs = AHEAD_MS;
  #answeredMs = 0;
  #outbox: Command[] = [];

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#flights.length === 0 && this.#held === undefined;
  }

  get pid(): number | undefined {
    return this.#host?.pid;
  }

  /** It takes nothing more before its process has loaded another worker. */
  get isLoading(): boolean {
    return this.#held !== undefined;
  }

  /** How many chunks it has taken since its process started. */
  get taken(): number {
    return this.#sent;
  }

  /** How many chunks it may be given now, for its process never to wait. */
  get room(): number {
    if (this.isLoading) return 0;
    const most = Math.min(MOST_AHEAD, Math.max(1, Math.floor(AHEAD_MS / this.#meanMs)));
    // Topped up when it is half empty: many small writings cost more than one.
    return this.#flights.length > most / 2 ? 0 : most - this.#flights.length;
  }

  /** Starts the process where there is none. */
  start(): HostProcess {
    if (this.#host !== undefined) return this.#host;
    const host = this.#options.start();
    this.#host = host;
    this.#worker = undefined;
    this.#meanMs = AHEAD_MS;
    host.hold(false);
    this.#ended = this.#listen(host);
    return host;
  }

  /** Gives it a chunk; `flush` sends it. */
  give(chunk: Chunk): void {
    let host: HostProcess;
    let flight: Flight;
    try {
      host = this.start();
      flight = makeFlight(chunk, host.pid);
    } catch (error) {
      chunk.settle({ values: [], failure: { kind: 'refused', error } });
      return;
    }
    if (this.isIdle) {
      host.hold(true);
      this.#answeredMs = performance.now();
    }
    this.#sent++;
    if (isSame(chunk.worker, this.#worker)) {
      this.#flights.push(flight);
      this.#outbox.push(flight.command);
    } else {
      this.#worker = chunk.worker;
      this.#held = flight;
      this.#outbox.push({ type: 'load', worker: chunk.worker });
    }
  }

  flush(): void {
    if (this.#outbox.length > 0) this.#host?.send(...this.#outbox);
    this.#outbox = [];
  }

  /** Lets the process end, and waits for that. */
  async exit(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    this.#sent = 0;
    host?.hold(true);
    await host?.exit();
  }

  /** Ends the process at once. */
  kill(): void {
    this.#host?.hold(true);
    this.#host?.kill();
  }

  /** Resolves when its process has ended. */
  ended(): Promise<void> {
    return this.#ended;
  }

  async #listen(host: HostProcess): Promise<void> {
    for (;;) {
      const report = await host.next();
      if (isDeath(report)) {
        if (this.#host === host) this.#bury(host, report);
        return;
      }
      this.#note(host, report);
      if (this.isIdle) host.hold(false);
      this.#options.onChange();
    }
  }

  #note(host: HostProcess, report: Report): void {
    const held = this.#held;
    switch (report.type) {
      case 'loaded':
        this.#held = undefined;
        if (held === undefined) return;
        this.#flights.push(held);
        this.#answeredMs = performance.now();
        host.send(held.command);
        return;
      case 'refused':
        this.#held = undefined;
        this.#worker = undefined;
        refuse(held, new FanfoldError('FANFOLD_WORKER', report.message));
        return;
      case 'returned':
      case 'raised':
        this.#measure();
        settle(this.#flights.shift(), host.pid, report);
        return;
      case 'broken':
        // Its process ends itself now.
        refuse(
          this.#flights.shift() ?? held,
          new Error(`A host broke down: ${report.stack ?? report.message}`),
        );
        return;
      default:
        throw new Error(`A host answered a call with ${report.type}.`);
    }
  }

  #measure(): void {
    const now = performance.now();
    this.#meanMs += NEWEST * (now - this.#answeredMs - this.#meanMs);
    this.#answeredMs = now;
  }

  /** The chunk in hand has failed; those behind it were not begun. */
  #bury(host: HostProcess, death: Death): void {
    const [first, ...behind] = [...this.#flights, ...(this.#held === undefined ? [] : [this.#held])];
    const fault = first !== undefined && first === this.#held ? this.#options.fault() : undefined;
    this.#host = undefined;
    this.#sent = 0;
    this.#flights = [];
    this.#held = undefined;
    this.#outbox = [];
    if (fault !== undefined) refuse(first, fault);
    else
      first?.chunk.settle({
        values: [],
        failure: { kind: 'crashed', pid: host.pid, death, position: positionOf(first) },
      });
    this.#options.giveBack(behind.map(({ chunk }) => chunk));
    this.#options.onChange();
  }
}

// --- internal ---

/** A chunk on its way. */
interface Flight {
  readonly chunk: Chunk;
  readonly command: Extract<Command, { type: 'call' }>;
}

let ids = 0;

function makeFlight(chunk: Chunk, pid: number): Flight {
  const calls = chunk.calls();
  ids = (ids + 1) % 2 ** 32;
  const progress = calls.length > 1 ? { progress: progressPath(pid) } : {};
  return { chunk, command: { type: 'call', id: ids, calls, ...progress } };
}

function settle(
  flight: Flight | undefined,
  pid: number,
  report: Extract<CallReport, { type: 'returned' | 'raised' }>,
): void {
  if (flight?.command.id !== report.id) throw new Error('A host answered a call that was not its next.');
  const values = report.values.map(decodeValue);
  flight.chunk.settle(
    report.type === 'returned' ? { values } : { values, failure: { kind: 'raised', pid, report } },
  );
}

function refuse(flight: Flight | undefined, error: Error): void {
  flight?.chunk.settle({ values: [], failure: { kind: 'refused', error } });
}

function progressPath(pid: number): string {
  return temporaryPath(`progress-${String(pid)}`);
}

/** Which call of a chunk was in hand, as its process noted it. */
function positionOf({ command }: Flight): number {
  if (command.progress === undefined) return 0;
  try {
    const note = readFileSync(command.progress);
    // A note of an earlier chunk says that this one was not begun.
    return note.length === 8 && note.readUInt32LE(0) === command.id ? note.readUInt32LE(4) : 0;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 0;
    throw error;
  }
}

function isSame(a: WorkerFunction, b: WorkerFunction | undefined): boolean {
  return a.file === b?.file && a.export === b.export;
}

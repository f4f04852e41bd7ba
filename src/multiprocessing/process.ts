import { constants } from 'node:os';
import { isDeath, type Death, type HostProcess } from '../engine/local/host-process.js';
import { threadVariables } from '../engine/local/threads.js';
import type { FunctionReference } from '../engine/worker-reference.js';
import { FanfoldError } from '../errors.js';
import type { WireCall } from '../host/protocol.js';
import { decodeValue } from '../host/wire.js';
import { CallError } from './call-error.js';
import { deferred } from './deferred.js';
import { kindOf, referenceOf, startProcess, wireCall } from './worker.js';

export interface ProcessOptions {
  readonly args?: readonly unknown[];
  /** Given to a JavaScript function as one object after the other arguments, to a Python one as keyword arguments. */
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** For messages; `Process-1` and so on by default. */
  readonly name?: string;
  /** Environment variables, over those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** A Python function's interpreter, a path or a name on PATH; by default that of the active environment, then `python3`. */
  readonly python?: string;
}

/** How long `terminate` waits for a process that listens to SIGTERM itself. */
const TERMINATE_MS = 2000;

/**
 * One call of a function in a process of its own, as Python's `multiprocessing.Process`. What the function prints is
 * printed; what it returns is in `result`. A program stays alive until its processes have ended; if it is killed, they
 * end too.
 *
 * ```
 * const p = new Process('./model.mjs:run_proc', { args: ['job1'], kwargs: { a: 1 } });
 * p.start();
 * await p.join();
 * console.log(p.exitCode, await p.result);
 * ```
 */
export class Process {
  readonly name: string;
  readonly #worker: FunctionReference;
  readonly #options: ProcessOptions;
  readonly #returned = deferred<unknown>();
  #isWatched = false;
  /** Before the call its host leaves SIGTERM to this process. */
  #isCalled = false;
  #host: HostProcess | undefined;
  #ended: Promise<void> | undefined;
  #exitCode: number | undefined;

  /**
   * @param worker path or file URL of a module, for its default export, `FILE:name` for another; or a Python function as
   *   `FILE.py:name`
   * @throws FanfoldError where there is no such file, or no Python interpreter for it
   */
  constructor(worker: string | URL, options: ProcessOptions = {}) {
    this.#worker = referenceOf(worker, { python: options.python });
    this.#options = options;
    this.name = options.name ?? `Process-${String(++made)}`;
    // An error that nobody waits for is printed as the process ends; it must not end this one.
    this.#returned.promise.catch(() => undefined);
  }

  /**
   * Starts the process, at once.
   * @throws FanfoldError where it was started before, or there is no room for another process; TypeError where an argument
   *   can't pass to another process
   */
  start(): this {
    if (this.#host !== undefined) {
      throw new FanfoldError('FANFOLD_USAGE', `Expected to start ${this.name} once, got a second start.`);
    }
    const { args = [], kwargs, env } = this.#options;
    const call = wireCall(args, kwargs);
    const variables = threadVariables(process.env, 1, 1);
    const host = startProcess(kindOf(this.#worker), { ...process.env, ...variables, ...env });
    this.#host = host;
    this.#ended = this.#run(host, call);
    return this;
  }

  /** Undefined before the start. */
  get pid(): number | undefined {
    return this.#host?.pid;
  }

  get isAlive(): boolean {
    return this.#host !== undefined && this.#exitCode === undefined;
  }

  /**
   * Undefined before it has ended; 0 where the function returned, 1 where it threw, N where it called `process.exit(N)` or `sys.exit(N)`,
   * -N where signal N ended it.
   */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /**
   * What the function returns.
   * @throws CallError where it throws or its process ends before it returns, FanfoldError where the worker can't be loaded
   */
  get result(): Promise<unknown> {
    this.#isWatched = true;
    return this.#returned.promise;
  }

  /**
   * Waits until the process has ended, however it did: look at `exitCode`.
   * @param timeoutMs wait no longer than this
   * @throws FanfoldError where it was not started
   */
  async join(timeoutMs?: number): Promise<void> {
    if (this.#ended === undefined) {
      throw new FanfoldError(
        'FANFOLD_USAGE',
        `Expected to join a started process, but ${this.name} was not.`,
      );
    }
    if (timeoutMs === undefined) return this.#ended;
    const timeout = deferred<undefined>();
    const timer = setTimeout(() => {
      timeout.resolve(undefined);
    }, timeoutMs);
    await Promise.race([this.#ended, timeout.promise]);
    clearTimeout(timer);
  }

  /**
   * Ends the process and those that it has started: by SIGTERM, and by SIGKILL where it has not begun the call, or is there
   * two seconds later.
   */
  terminate(): void {
    const host = this.#host;
    if (host === undefined) return;
    host.kill(this.#isCalled ? 'SIGTERM' : 'SIGKILL');
    const timer = setTimeout(() => {
      host.kill();
    }, TERMINATE_MS);
    void this.#ended?.then(() => {
      clearTimeout(timer);
    });
  }

  /** Ends the process and those that it has started, by SIGKILL. */
  kill(): void {
    this.#host?.kill();
  }

  async #run(host: HostProcess, call: WireCall): Promise<void> {
    const kind = kindOf(this.#worker);
    let failure: unknown;
    const fail = (error: unknown): void => {
      failure ??= error;
      this.#returned.reject(error);
      void host.exit();
    };
    kind.load(this.#worker).then((worker) => {
      host.send({ type: 'load', worker });
    }, fail);
    for (;;) {
      const report = await host.next();
      if (isDeath(report)) {
        const fault = this.#isCalled || failure !== undefined ? undefined : kind.fault();
        if (fault !== undefined) fail(fault);
        const code = exitCodeOf(report);
        this.#exitCode = failure !== undefined && code === 0 ? 1 : code;
        this.#returned.reject(CallError.crashed({ pid: host.pid }, report));
        break;
      }
      switch (report.type) {
        case 'loaded':
          host.send({ type: 'call', id: 0, calls: [call] });
          this.#isCalled = true;
          break;
        case 'refused':
          fail(new FanfoldError('FANFOLD_WORKER', report.message));
          break;
        case 'returned':
          this.#returned.resolve(decodeValue(report.values[0]));
          void host.exit();
          break;
        case 'raised':
          fail(CallError.raised({ pid: host.pid }, report));
          break;
        default:
          fail(new Error(`A host answered a call with ${JSON.stringify(report)}.`));
      }
    }
    if (failure !== undefined && !this.#isWatched) this.#print(host.pid, failure);
  }

  /** As Python prints the traceback of a process. */
  #print(pid: number, error: unknown): void {
    process.stderr.write(`${this.name} (pid ${String(pid)}): ${describe(error)}\n`);
  }
}

// --- internal ---

let made = 0;

/** What the function threw is shown with its stack; why a worker can't be loaded is said by the message alone. */
function describe(error: unknown): string {
  if (error instanceof CallError) return error.workerStack ?? error.message;
  if (!(error instanceof Error)) return String(error);
  return error instanceof FanfoldError ? error.message : (error.stack ?? error.message);
}

function exitCodeOf({ exitCode, signal }: Death): number {
  return signal === null ? (exitCode ?? 0) : -constants.signals[signal];
}

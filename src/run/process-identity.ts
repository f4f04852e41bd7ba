import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemCode } from '../errors.js';
import { isAlive, startTime } from '../lock-file.js';
import { sha256 } from '../sha256.js';

/** A process, told from every other one that had or will have its number. */
export interface ProcessIdentity extends Place {
  readonly pid: number;
  /** When it started, in clock ticks since its machine did; empty where the system doesn't say. */
  readonly started: string;
}

/** Where the number of a process means that process. A field is empty where the system doesn't say. */
export interface Place {
  readonly host: string;
  /** The machine, for several may have one name. */
  readonly machine: string;
  /** The machine's start: the numbers and ticks of one are none of the next one's. */
  readonly boot: string;
  /** Containers of one machine have numbers of their own. */
  readonly namespace: string;
}

/** A process as a record names it: older ones lack some fields. */
export type RecordedProcess = Pick<ProcessIdentity, 'host' | 'pid' | 'started'> &
  Partial<Omit<Place, 'host'>>;

/** What identifies a process that is seen from here. */
export function identify(pid: number): ProcessIdentity {
  return { ...place(), pid, started: startTime(pid) };
}

/** Whether a process lives: `unseen` where its number means nothing here, on another machine or in another container. */
export function lifeOf(process: RecordedProcess): Life {
  const here = place();
  const {
    host,
    pid,
    started,
    machine = here.machine,
    boot = here.boot,
    namespace = here.namespace,
  } = process;
  if (host !== here.host) return 'unseen';
  if (boot !== here.boot) return machine === here.machine && isOwn(here) ? 'dead' : 'unseen';
  if (namespace !== here.namespace) return 'unseen';
  // Its number may be another one's by now; where another user's process hides its time, nobody can tell.
  return isAlive(pid) && ['', started].includes(startTime(pid)) ? 'alive' : 'dead';
}

export type Life = 'alive' | 'dead' | 'unseen';

// --- internal ---

/** Of the system itself, outside of any container. */
const ROOT_NAMESPACE = 'pid:[4026531836]';

/** True where the name of the machine is its own: containers of one image may share it, on several machines. */
function isOwn({ machine, namespace }: Place): boolean {
  return machine !== '' && namespace === ROOT_NAMESPACE;
}

let known: Place | undefined;

function place(): Place {
  if (known !== undefined) return known;
  const machine = readOrNothing(() => readFileSync('/etc/machine-id', 'utf8').trim());
  known = {
    host: hostname(),
    // Systems ask not to tell the identifier itself to others.
    machine: machine === '' ? '' : sha256(`fanfold ${machine}`).slice(0, 16),
    boot: readOrNothing(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: readOrNothing(() => readlinkSync('/proc/self/ns/pid')),
  };
  return known;
}

function readOrNothing(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return '';
  }
}

import { systemCode } from './errors.js';

/** Ends a process and everything in its group; one that has ended already is none. */
export function killGroup(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  send(process.platform === 'win32' ? pid : -pid, signal);
}

/** Ends a process alone; one that has ended already, or has become another user's, is none. */
export function killProcess(pid: number): void {
  send(pid, 'SIGKILL');
}

// --- internal ---

function send(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH' && systemCode(error) !== 'EPERM') throw error;
  }
}

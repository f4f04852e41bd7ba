import { totalmem } from 'node:os';

/** The memory that this process may really use, in bytes: the least of the machine's and its cgroup's limit. */
export function usableMemory(): number {
  const machine = totalmem();
  // Node reads the cgroup's limit, of either version; 0 or an absurd number where there is none.
  const group = process.constrainedMemory();
  return group > 0 ? Math.min(machine, group) : machine;
}

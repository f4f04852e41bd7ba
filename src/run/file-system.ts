import { existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';

/** A file system that several machines see may show to one what another has done so much later. */
export const FS_LATENCY_MS = 60_000;

/** File systems that several machines see, by the number that statfs gives: there, what one did may show late to another. */
const NETWORK_TYPES = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff534d42, // CIFS
  0xfe534d42, // SMB 2
  0x65735546, // FUSE: sshfs, GlusterFS, …
  0x0bd00bd0, // Lustre
  0x47504653, // GPFS
  0x19830326, // BeeGFS
  0x00c36400, // CephFS
  0x5346414f, // OpenAFS
  0x6b414653, // AFS of the kernel
  0x01021997, // 9p
  0x01161970, // GFS2
  0x7461636f, // OCFS2
  0xaad7aaea, // PanFS
  0x20030528, // OrangeFS
]);

/** True where a folder, or the nearest one above it that exists, lies on a file system of the network. */
export function isOnNetwork(folder: string): boolean {
  let place = folder;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  // Some of the numbers come sign-extended.
  return NETWORK_TYPES.has(Number(BigInt.asUintN(32, BigInt(statfsSync(place).type))));
}

/**
 * How long a file that must be there is waited for, in milliseconds: as the user says, else a minute on a file system of
 * the network, and not at all elsewhere.
 */
export function fileLatencyMs(folder: string, givenMs: number | undefined): number {
  return givenMs ?? (isOnNetwork(folder) ? FS_LATENCY_MS : 0);
}

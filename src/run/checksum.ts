import { crc32 } from 'node:zlib';

const DIGITS = 8;

/** The crc32 of bytes as eight hexadecimal digits. It finds every flipped bit and nearly every other damage. */
export function checksum(bytes: Uint8Array): string {
  return crc32(bytes).toString(16).padStart(DIGITS, '0');
}

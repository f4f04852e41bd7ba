import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FanfoldError } from '../../src/errors.js';
import { mendManifest, readManifest, writeManifest, type Manifest } from '../../src/run/manifest.js';
import { manifestText, parseStored } from '../../src/run/manifest-text.js';
import { runPaths } from '../../src/run/paths.js';
import { testFolder } from './folder.js';
import { sampleManifest, sampleSpec } from './sample.js';

const folder = testFolder();
const paths = runPaths(folder);

/** The bytes of the sample as they are written. */
function writtenBytes(): Buffer {
  writeManifest(paths, sampleManifest());
  return readFileSync(paths.manifest);
}

/** Puts a manifest there that has no copy, with the checksum of what it holds. */
function put(content: unknown): void {
  rmSync(paths.manifestCopy, { force: true });
  const isObject = typeof content === 'object' && content !== null && !Array.isArray(content);
  const text = isObject ? manifestText(content as Manifest) : JSON.stringify(content);
  writeFileSync(paths.manifest, typeof content === 'string' ? content : text);
}

async function messageOf(): Promise<string> {
  try {
    await readManifest(paths.manifest);
  } catch (error) {
    if (error instanceof FanfoldError && error.code === 'FANFOLD_MANIFEST') return error.message;
    throw error;
  }
  return 'nothing was thrown';
}

/** Reads damaged bytes: either they are refused in words for the user, or what they say is what it was. */
async function expectNoSilentChange(bytes: Uint8Array): Promise<'refused' | 'read'> {
  rmSync(paths.manifestCopy, { force: true });
  writeFileSync(paths.manifest, bytes);
  let manifest: Manifest | undefined;
  try {
    manifest = await readManifest(paths.manifest);
  } catch (error) {
    if (!(error instanceof FanfoldError)) throw error;
    return 'refused';
  }
  expect(manifest).toStrictEqual(sampleManifest());
  return 'read';
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return damaged;
}

describe('a manifest', () => {
  test('reads back as it was written', async () => {
    writeManifest(paths, sampleManifest());
    expect(await readManifest(paths.manifest)).toStrictEqual(sampleManifest());
    expect(readdirSync(folder)).toEqual(['sweep.json', 'sweep.json.copy']);
    expect(readFileSync(paths.manifestCopy)).toEqual(readFileSync(paths.manifest));
  });

  test('needs none of its optional fields', async () => {
    const { columns, pointsFile, commit, ...manifest } = sampleManifest();
    expect([columns, pointsFile, commit]).not.toContain(undefined);
    writeManifest(paths, manifest);
    expect(await readManifest(paths.manifest)).toStrictEqual(manifest);
  });

  test('replaces the one before', async () => {
    writeManifest(paths, sampleManifest());
    writeManifest(paths, { ...sampleManifest(), header: false });
    expect((await readManifest(paths.manifest))?.header).toBe(false);
  });

  test('that is not there is undefined', async () => {
    expect(await readManifest(join(folder, 'none', 'sweep.json'))).toBeUndefined();
    expect(await readManifest(join(paths.manifest, 'sweep.json'))).toBeUndefined();
  });

  test('of a newer version is refused as such, whatever else it holds', async () => {
    put('{"version": 2, "shape": "unknown"}\n');
    expect(await messageOf()).toBe(
      `Expected ${paths.manifest} to be of version 1, got version 2: a newer fanfold wrote it. Update fanfold, or name another directory with --out.`,
    );
  });

  test.each<[string, unknown, string]>([
    ['is empty', '', 'a damaged file'],
    ['is no JSON', '{"version": 1,', 'a damaged file'],
    ['is an array', [], 'a damaged file'],
    ['is null', 'null', 'a damaged file'],
    ['lacks everything', {}, 'a damaged file (version:'],
    ['has a version of text', { ...sampleManifest(), version: '2' }, '(version:'],
    ['lacks its spec', { ...sampleManifest(), spec: undefined }, '(spec:'],
    ['has a negative number of points', { ...sampleManifest(), points: -1 }, '(points:'],
    ['has no task', { ...sampleManifest(), tasks: 0 }, '(tasks:'],
    ['has a field too many', { ...sampleManifest(), extra: 1 }, 'extra'],
    ['has a column of an unknown type', { ...sampleManifest(), columns: { a: 'float16' } }, '(columns.a:'],
    [
      'has a spec that is not the one of its hash',
      { ...sampleManifest(), spec: { ...sampleSpec(), seed: '1' } },
      '(the spec does not match its hash)',
    ],
    [
      'has the hash of another spec',
      { ...sampleManifest(), hash: '00000000' },
      '(the spec does not match its hash)',
    ],
  ])('that %s is refused, and the message says how to go on', async (_, content, reason) => {
    put(content);
    expect(await messageOf()).toContain(
      `Expected ${paths.manifest} to be a manifest of fanfold, got a damaged file (`,
    );
    expect(await messageOf()).toContain(reason);
    expect(await messageOf()).toContain(
      'Restore it, or start anew with fanfold run --force or another --out.',
    );
  });

  test('that is a folder is an error, not a missing run', async () => {
    const place = join(folder, 'as-folder');
    mkdirSync(place);
    await expect(readManifest(place)).rejects.toThrow('EISDIR');
  });
});

describe('damage', () => {
  test('by cutting the file anywhere is found', () => {
    const bytes = Buffer.from(manifestText(sampleManifest()));
    for (let length = 0; length < bytes.length; length++) {
      expect([length, parseStored(bytes.subarray(0, length)).raw]).toEqual([length, undefined]);
    }
  });

  test('by flipping any bit of any byte is refused, or changes nothing', () => {
    const bytes = Buffer.from(manifestText(sampleManifest()));
    const whole = parseStored(bytes).raw;
    let unchanged = 0;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const { raw, reason } = parseStored(flipped(bytes, bit));
      if (raw === undefined) expect(typeof reason).toBe('string');
      else {
        expect(raw).toStrictEqual(whole);
        unchanged++;
      }
    }
    // Such as `\u001B` for `\u001b`, which stands for the same character.
    expect(unchanged).toBeLessThan(10);
  });

  test('of either file, at any place, is mended by the other', async () => {
    writeManifest(paths, sampleManifest());
    const bytes = readFileSync(paths.manifest);
    for (let place = 0; place < bytes.length; place += 41) {
      for (const damaged of [bytes.subarray(0, place), flipped(bytes, place * 8 + (place % 8))]) {
        writeFileSync(place % 2 === 0 ? paths.manifest : paths.manifestCopy, damaged);
        expect(await readManifest(paths.manifest)).toStrictEqual(sampleManifest());
        mendManifest(paths);
        expect([place, readFileSync(paths.manifest), readFileSync(paths.manifestCopy)]).toEqual([
          place,
          bytes,
          bytes,
        ]);
      }
    }
  });

  test('that takes the whole file away is told, and mended by the copy', async () => {
    const bytes = writtenBytes();
    rmSync(paths.manifest);
    const told: string[] = [];
    expect(await readManifest(paths.manifest, (text) => told.push(text))).toStrictEqual(sampleManifest());
    expect(told).toEqual([
      `${paths.manifest} is damaged (it is not there); its copy sweep.json.copy is read instead.`,
    ]);
    mendManifest(paths);
    expect(readFileSync(paths.manifest)).toEqual(bytes);
  });

  test('by any other byte, or several, is refused or leaves the spec as it was', async () => {
    const bytes = writtenBytes();
    const change = fc.tuple(
      fc.nat(bytes.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('-0123456789.e"{}[], \\'))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 2 }), async (changes) => {
        const damaged = Buffer.from(bytes);
        for (const [index, byte] of changes) damaged[index] = byte;
        await expectNoSilentChange(damaged);
      }),
      { numRuns: 1000 },
    );
  });

  test('by a minus before a 0 of the spec is found', async () => {
    const text = writtenBytes().toString();
    const negative = text.replace('"start": 0,', '"start":-0,');
    expect(negative).not.toBe(text);
    expect(await expectNoSilentChange(Buffer.from(negative))).toBe('refused');
  });

  test('by swapping or removing parts is refused or leaves the spec as it was', async () => {
    const bytes = writtenBytes();
    const place = fc.nat(bytes.length);
    await fc.assert(
      fc.asyncProperty(place, place, place, async (a, b, c) => {
        const [from = 0, to = 0, at = 0] = [a, b, c].sort((x, y) => x - y);
        await expectNoSilentChange(Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]));
        await expectNoSilentChange(
          Buffer.concat([
            bytes.subarray(0, from),
            bytes.subarray(to, at),
            bytes.subarray(from, to),
            bytes.subarray(at),
          ]),
        );
      }),
      { numRuns: 300 },
    );
  });
});

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FanfoldError } from '../../src/errors.js';
import { readManifest, writeManifest, type Manifest } from '../../src/run/manifest.js';
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

function put(content: unknown): void {
  writeFileSync(paths.manifest, typeof content === 'string' ? content : JSON.stringify(content));
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

/** Reads damaged bytes: either they are refused in words for the user, or the spec is what it was. */
async function expectNoSilentChange(bytes: Uint8Array): Promise<'refused' | 'read'> {
  writeFileSync(paths.manifest, bytes);
  let manifest: Manifest | undefined;
  try {
    manifest = await readManifest(paths.manifest);
  } catch (error) {
    if (!(error instanceof FanfoldError)) throw error;
    return 'refused';
  }
  expect(manifest?.spec).toStrictEqual(sampleSpec());
  return 'read';
}

describe('a manifest', () => {
  test('reads back as it was written', async () => {
    writeManifest(paths, sampleManifest());
    expect(await readManifest(paths.manifest)).toStrictEqual(sampleManifest());
    expect(readdirSync(folder)).toEqual(['sweep.json']);
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
    put('{}');
    expect(await readManifest(join(paths.manifest, 'sweep.json'))).toBeUndefined();
  });

  test('of a newer version is refused as such, whatever else it holds', async () => {
    put({ version: 2, shape: 'unknown' });
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
    expect(await messageOf()).toContain('Restore it, or start anew with --force or another --out.');
  });

  test('that is a folder is an error, not a missing run', async () => {
    const place = join(folder, 'as-folder');
    mkdirSync(place);
    await expect(readManifest(place)).rejects.toThrow('EISDIR');
  });
});

describe('damage', () => {
  test('by cutting the file anywhere is found', async () => {
    const bytes = writtenBytes();
    // Without its last line break the file is still whole.
    for (let length = 0; length < bytes.length - 1; length++) {
      expect([length, await expectNoSilentChange(bytes.subarray(0, length))]).toEqual([length, 'refused']);
    }
  });

  test('by flipping one bit of any byte is refused or leaves the spec as it was', async () => {
    const bytes = writtenBytes();
    const found = { refused: 0, read: 0 };
    for (let index = 0; index < bytes.length; index++) {
      const damaged = Buffer.from(bytes);
      damaged[index] = (damaged[index] ?? 0) ^ (1 << (index % 8));
      found[await expectNoSilentChange(damaged)]++;
    }
    expect(found.refused).toBeGreaterThan(bytes.length / 2);
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

import { describe, expect, test } from '@jest/globals';

import haldane, { columns, schema } from '../../workers/haldane.js';

type Point = Parameters<typeof schema.parse>[0];

const chern = (point: Point) => haldane(schema.parse(point));

/** The middle of `count` equal parts of [-1, 1], of which an even number leaves out 0. */
const centres = (count: number) => Array.from({ length: count }, (_, i) => (2 * i + 1) / count - 1);

/** M on the phase boundary, positive or zero. */
const boundary = (phi: number, t2: number) => 3 * Math.sqrt(3) * Math.abs(t2 * Math.sin(phi));

const exactChern = (phi: number, M: number, t2: number) =>
  Math.abs(M) < boundary(phi, t2) ? Math.sign(t2 * Math.sin(phi)) : 0;

describe('haldane', () => {
  test('a plane of 24 by 24 points, none within 0.001 of the boundary, is the exact phase diagram', () => {
    const plane = centres(24).flatMap((u) => centres(24).map((v) => ({ phi: Math.PI * u, M: v })));
    const distances = plane.map(({ phi, M }) => Math.abs(Math.abs(M) - boundary(phi, 0.1)));
    expect(Math.min(...distances)).toBeGreaterThan(0.001);
    const exact = plane.map(({ phi, M }) => exactChern(phi, M, 0.1));
    expect(new Set(exact)).toEqual(new Set([-1, 0, 1]));
    expect(plane.map(chern)).toEqual(exact);
  });

  test.each([3, 6, 24, 33])('with n = %i the number is right to 1e-6 on both sides of the boundary', (n) => {
    for (const phi of centres(8).map((u) => Math.PI * u)) {
      for (const sign of [-1, 1]) {
        const M = sign * boundary(phi, 0.1);
        expect(chern({ phi, M: M * (1 - 1e-6), n })).toBe(Math.sign(Math.sin(phi)));
        expect(chern({ phi, M: M * (1 + 1e-6), n })).toBe(0);
      }
    }
  });

  test('with n no multiple of 3 the number is right from 0.02 t1 off the boundary', () => {
    for (const phi of centres(8).map((u) => Math.PI * u)) {
      for (const sign of [-1, 1]) {
        const M = sign * boundary(phi, 0.1);
        expect(chern({ phi, M: M - sign * 0.02, n: 25 })).toBe(Math.sign(Math.sin(phi)));
        expect(chern({ phi, M: M + sign * 0.02, n: 25 })).toBe(0);
      }
    }
  });

  test('the sign is that of t2 sin phi', () => {
    expect(chern({ phi: Math.PI / 2, M: 0 })).toBe(1);
    expect(chern({ phi: -Math.PI / 2, M: 0 })).toBe(-1);
    expect(chern({ phi: Math.PI / 2, M: 0, t2: -0.1 })).toBe(-1);
  });

  test('only the ratios of the energies matter', () => {
    for (const scale of [1e-6, 1e6]) {
      const inside = { phi: 1, M: 0.4 * scale, t1: scale, t2: 0.1 * scale };
      expect(chern(inside)).toBe(1);
      expect(chern({ ...inside, M: 0.5 * scale })).toBe(0);
    }
  });

  test('zero is never minus zero', () => {
    const zeros = centres(6).map((u) => chern({ phi: Math.PI * u, M: 2 * Math.sign(u) }));
    expect(zeros).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test.each([
    { phi: 0, M: 0 },
    { phi: Math.PI, M: 0 },
    { phi: 1, M: boundary(1, 0.1) },
    { phi: 1, M: -boundary(1, 0.1) },
    { phi: 1, M: boundary(1, 100), t2: 100 },
  ])('on the boundary, at %j, there is no Chern number', (point) => {
    expect(() => chern(point)).toThrow(
      `The gap is closed at phi = ${String(point.phi)}, M = ${String(point.M)}`,
    );
  });

  test('the defaults are t1 = 1, t2 = 0.1 and a mesh of 24', () => {
    expect(schema.parse({ phi: 1, M: 0 })).toEqual({ phi: 1, M: 0, t1: 1, t2: 0.1, n: 24 });
    expect(columns).toEqual({ chern: 'int64' });
  });

  test.each([
    { phi: 1 },
    { phi: '1', M: 0 },
    { phi: 1, M: 0, t1: 0 },
    { phi: 1, M: 0, n: 2 },
    { phi: 1, M: 0, n: 9.5 },
  ])('%j is refused', (point) => {
    expect(schema.safeParse(point).success).toBe(false);
  });
});

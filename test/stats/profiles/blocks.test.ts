import { compareData, profileData, type BlockOptions, type ColumnDrift, type DataDrift } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';
import { expectAtMostAlpha } from './false-alarms.ts';

const seed = 20010204;
const alpha = 0.05;

/** A process that remembers: each value is `memory` times the last one and noise, with variance 1. */
function process(sampler: Sampler, n: number, memory: number, mean = 0): Float64Array {
  let last = sampler.normal();
  return Float64Array.from({ length: n }, () => {
    last = memory * last + Math.sqrt(1 - memory * memory) * sampler.normal();
    return mean + last;
  });
}

/** Rows of users who each have a taste of their own and from one to thirty rows. */
function usersRows(sampler: Sampler, users: number, shift = 0): { user: string[]; size: Float64Array; taste: string[] } {
  const rows = Array.from({ length: users }, (_, u) => {
    const own = sampler.normal() + shift;
    const taste = `t${Math.floor(sampler.random() * 4)}`;
    return Array.from({ length: 1 + Math.floor(30 * sampler.random()) }, () => ({ user: `u${u}`, size: own + 0.3 * sampler.normal(), taste: sampler.random() < 0.8 ? taste : 't9' }));
  }).flat();
  return { user: rows.map(({ user }) => user), size: Float64Array.from(rows, ({ size }) => size), taste: rows.map(({ taste }) => taste) };
}

function columnOf(report: DataDrift, name: string): ColumnDrift {
  const column = report.columns.find((each) => each.name === name);
  if (column === undefined) throw new Error(`No column ${name}`);
  return column;
}

describe('rows that are not independent', () => {
  it('of a process that remembers: single rows cry wolf, blocks of them do not', () => {
    const sampler = new Sampler(seed);
    const trials = 120;
    let single = 0;
    let blocked = 0;
    for (let trial = 0; trial < trials; trial++) {
      const [before, after] = [process(sampler, 2000, 0.9), process(sampler, 1500, 0.9)];
      if (compareData({ x: before }, { x: after }).columns[0]!.pValue! <= alpha) single++;
      if (compareData({ x: before }, { x: after }, { blocks: { rows: 100, resamples: 199 } }).columns[0]!.pValue! <= alpha) blocked++;
    }
    expect(single).toBeGreaterThan(trials / 2);
    expectAtMostAlpha(blocked, trials, 'blocks of 100', { alpha, seed });
  });

  it('of users: neither numbers nor categories are significant too often', () => {
    const sampler = new Sampler(seed + 1);
    const trials = 150;
    const hits = { size: 0, taste: 0, single: 0 };
    for (let trial = 0; trial < trials; trial++) {
      const [before, after] = [usersRows(sampler, 40), usersRows(sampler, 25)];
      const report = compareData(before, after, { blocks: { column: 'user', resamples: 199 } });
      for (const name of ['size', 'taste'] as const) if (columnOf(report, name).pValue! <= alpha) hits[name]++;
      if (columnOf(compareData(before, after), 'taste').pValue! <= alpha) hits.single++;
    }
    expect(hits.single).toBeGreaterThan(trials / 2);
    expectAtMostAlpha(hits.size, trials, 'numbers', { alpha, seed });
    expectAtMostAlpha(hits.taste, trials, 'categories', { alpha, seed });
  });

  it('drift is found all the same, and told with its blocks', () => {
    const sampler = new Sampler(seed + 2);
    const [before, after] = [process(sampler, 10_000, 0.8), process(sampler, 6050, 0.8, 1)];
    const report = compareData({ x: before }, { x: after }, { blocks: { rows: 100 } });
    expect(report.driftedColumns).toEqual(['x']);
    const [test] = report.columns[0]!.tests;
    expect(report.columns[0]!.tests).toHaveLength(1);
    expect(test).toMatchObject({ method: 'block-permutation', pValue: 0.001, referenceRows: 10_000, currentRows: 6050, blocks: { reference: 100, current: 60 } });
    const single = compareData({ x: before }, { x: after });
    expect(report.columns[0]!.effect!.value).toBe(single.columns[0]!.effect!.value);
    expect(report.columns[0]!.effect!.low).toBeLessThan(single.columns[0]!.effect!.low);
  });

  it('has a design effect of about 1 for independent rows, and of the length of a block for rows that are all equal', () => {
    const sampler = new Sampler(seed + 3);
    const effectOf = (before: Float64Array, after: Float64Array): number => compareData({ x: before }, { x: after }, { blocks: { rows: 20 } }).columns[0]!.tests[0]!.blocks!.designEffect;
    const repeated = (n: number, mean: number): Float64Array => {
      const values = sampler.normals(n / 20, mean);
      return Float64Array.from({ length: n }, (_, i) => values[Math.floor(i / 20)]!);
    };
    // A shift between the sides is no part of it.
    for (const shift of [0, 2]) {
      const independent = effectOf(sampler.normals(6000), sampler.normals(6000, shift));
      expect(independent).toBeGreaterThan(0.9);
      expect(independent).toBeLessThan(1.1);
      const equal = effectOf(repeated(6000, 0), repeated(6000, shift));
      expect(equal).toBeGreaterThan(19);
      expect(equal).toBeLessThan(21.5);
    }
  });

  it('are insufficient with fewer than ten blocks a side, whatever is in them', () => {
    const sampler = new Sampler(seed + 4);
    const many = { x: sampler.normals(1000) };
    const few = { x: sampler.normals(999, 5) };
    expect(compareData(many, few, { blocks: { rows: 100 } }).columns[0]).toMatchObject({ status: 'insufficient', reason: 'there are 9 current blocks, at least 10 are needed' });
    expect(compareData(few, many, { blocks: { rows: 100 } }).columns[0]).toMatchObject({ status: 'insufficient', reason: 'the reference has 9 blocks, at least 10 are needed' });
    expect(compareData(many, { x: few.x.slice(0, 20) }, { blocks: { rows: 1 } }).columns[0]!.reason).toMatch(/20 current rows/);
  });

  it('see what is missing, infinite or of another type, and do not mind constant columns', () => {
    const x = Float64Array.from({ length: 400 }, (_, i) => i % 37);
    const blocks: BlockOptions = { rows: 10 };
    const odd: Record<string, [ArrayLike<unknown>, ArrayLike<unknown>, string]> = {
      missing: [x, Array.from(x, (value, i) => (i % 2 === 0 ? null : value)), 'drifted'],
      infinite: [x, x.map((value, i) => (i % 2 === 0 ? -Infinity : value)), 'drifted'],
      mistyped: [x, Array.from(x, (value, i) => (i % 2 === 0 ? 'n/a' : value)), 'drifted'],
      constant: [new Float64Array(400).fill(1), new Float64Array(400).fill(1), 'stable'],
      'another constant': [new Float64Array(400).fill(1), new Float64Array(400).fill(2), 'drifted'],
      'all missing': [Array(400).fill(null), Array(400).fill(null), 'insufficient'],
      texts: [Array.from(x, (value) => `t${value % 5}`), Array.from(x, (value) => `t${value % 7}`), 'drifted'],
    };
    for (const [what, [before, after, status]] of Object.entries(odd)) expect(compareData({ x: before }, { x: after }, { blocks }).columns[0]!.status, what).toBe(status);
  });

  it('refuses what names no blocks, and profiles', () => {
    const data = { x: Float64Array.from({ length: 50 }, (_, i) => i) };
    const wrong: [blocks: unknown, message: RegExp][] = [
      [{}, /one of rows and column/],
      [{ rows: 5, column: 'x' }, /one of rows and column/],
      [{ rows: 0 }, /options\.blocks\.rows is 0/],
      [{ column: 7 }, /options\.blocks\.column is 7/],
      [{ column: 'y' }, /names column 'y', which the reference does not have/],
      [{ rows: 5, resamples: 10 }, /options\.blocks\.resamples is 10/],
      [{ rows: 5, seed: -1 }, /options\.blocks\.seed/],
      [7, /options\.blocks/],
    ];
    for (const [blocks, message] of wrong) expect(() => compareData(data, data, { blocks: blocks as BlockOptions })).toThrow(message);
    expect(() => compareData(profileData(data), data, { blocks: { rows: 5 } })).toThrow(/The reference is a profile, and blocks of rows need the rows of both sides/);
  });
});

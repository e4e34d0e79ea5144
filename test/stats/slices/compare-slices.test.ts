import { compareData, compareSlices } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';
import { expectAtMostAlpha } from '../profiles/false-alarms.ts';

interface Flight {
  readonly carrier: string | null;
  readonly month: number;
  readonly delay: number;
  readonly origin: string;
}

function drawing(seed: number): (count: number, moved?: (flight: Flight) => boolean) => Flight[] {
  const generator = new SeededGenerator(seed);
  return (count, moved = () => false) =>
    Array.from({ length: count }, () => {
      const flight = { carrier: ['A', 'B', 'C', 'D', null][generator.below(5)]!, month: 1 + generator.below(12), delay: generator.uniform() * 60, origin: 'xyz'[generator.below(3)]! };
      return moved(flight) ? { ...flight, delay: flight.delay + 30 } : flight;
    });
}

describe('compareSlices', () => {
  it('finds what happens to one slice only, which the whole does not show', () => {
    const draw = drawing(1);
    const [before, after] = [draw(4000), draw(4000, ({ month }) => month === 7)];
    expect(compareData(before, after, { minEffect: 0.1 }).driftedColumns).toEqual([]);
    const found = compareSlices(before, after, { by: ['carrier', 'month'], minEffect: 0.1 });
    expect([found.status, found.driftedSlices]).toEqual(['drifted', ['month is 7']]);
    const texts = found.slices.map(({ text }) => text);
    expect(texts.slice(0, 4).sort()).toEqual(['carrier is A', 'carrier is B', 'carrier is C', 'carrier is D']);
    expect(texts.slice(4)).toEqual(['carrier is missing', ...Array.from({ length: 12 }, (_, i) => `month is ${i + 1}`)]);
    expect(found.judged).toBe(17);
    expect(found.summary).toMatch(/^1 of 17 slices drifted: month is 7\. Most changed: where month is 7, 1 of 3 columns drifted: delay/);
  });

  it('judges a slice as compareData does its rows, at its part of alpha, without the column that cuts it', () => {
    const draw = drawing(2);
    const [before, after] = [draw(600), draw(500, ({ carrier }) => carrier === 'B')];
    const { slices, judged } = compareSlices(before, after, { by: ['carrier'], alpha: 0.1 });
    for (const { where, drift } of slices) {
      const value = where['carrier']!.missing ? null : where['carrier']!.eq;
      const rows = (side: Flight[]): object[] => side.filter(({ carrier }) => carrier === value).map(({ carrier: _, ...rest }) => rest);
      expect(drift).toEqual(compareData(rows(before), rows(after), { alpha: 0.1 / judged }));
    }
  });

  it('cuts numbers at the quantiles of the reference, and puts current rows beyond them into the outer ones', () => {
    const side = (shift: number): object => ({ x: Array.from({ length: 1000 }, (_, i) => i + shift), y: Array.from({ length: 1000 }, (_, i) => i % 10) });
    const { slices } = compareSlices(side(0) as never, side(5000) as never, { by: ['x'], bins: 4 });
    expect(slices.map(({ where }) => where)).toEqual([{ x: { lt: 249.75 } }, { x: { gte: 249.75, lt: 499.5 } }, { x: { gte: 499.5, lt: 749.25 } }, { x: { gte: 749.25 } }]);
    expect(slices.map(({ drift }) => [drift.referenceRows, drift.currentRows, drift.status])).toEqual([[250, 0, 'insufficient'], [250, 0, 'insufficient'], [250, 0, 'insufficient'], [250, 1000, 'stable']]);
  });

  it('cries wolf over all slices and columns no more often than alpha', () => {
    let alarms = 0;
    const trials = 100;
    for (let trial = 0; trial < trials; trial++) {
      const draw = drawing(1000 + trial);
      if (compareSlices(draw(500), draw(400), { by: ['carrier', 'month'], minEffect: 0, minRows: 20 }).status === 'drifted') alarms++;
    }
    expectAtMostAlpha(alarms, trials, 'slices that are alike', { alpha: 0.05, seed: 1000 });
  });

  it('takes the prediction and kinds of columns, also where the slices are cut by them', () => {
    const draw = drawing(3);
    const { slices } = compareSlices(draw(800), draw(800), { by: ['month', 'delay'], prediction: 'delay', kinds: { month: 'category' } });
    const byMonth = slices.find(({ text }) => text === 'month is 1')!;
    expect(byMonth.drift.columns.find(({ name }) => name === 'delay')?.role).toBe('prediction');
    const byDelay = slices.find(({ text }) => text.startsWith('delay'))!;
    expect(byDelay.drift.columns.map(({ name, kind }) => [name, kind])).toEqual([['carrier', 'category'], ['month', 'category'], ['origin', 'category']]);
  });

  it('judges nothing by a few rows, and names what is wrong', () => {
    const draw = drawing(4);
    expect(compareSlices(draw(20), draw(20), { by: ['origin'] })).toMatchObject({ status: 'insufficient', judged: 0, driftedSlices: [], summary: expect.stringMatching(/^None of \d slices has enough rows/) });
    for (const [options, word] of [[{ by: [] }, 'by names no column'], [{ by: ['nope'] }, 'by[0] is "nope", and the reference'], [{ by: ['origin'], bins: 0 }, 'bins'], [{ by: ['origin'], maxValues: 500 }, 'maxValues'], [{ by: 'origin' }, 'by is'], [{ by: ['origin'], alpha: 2 }, 'alpha'], [{ by: ['origin'], kinds: { x: 'number' } }, "column 'x'"]] as const) {
      expect(() => compareSlices(draw(50), draw(50), options as never), word).toThrow(expect.objectContaining({ code: 'validation', message: expect.stringContaining(word) }));
    }
    expect(() => compareSlices(draw(50), { delay: [1] }, { by: ['origin'] })).toThrow('the current data has no such column');
  });
});

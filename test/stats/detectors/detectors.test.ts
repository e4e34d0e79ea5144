import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { Adwin } from '../../../src/stats/detectors/adwin.ts';
import { Cusum } from '../../../src/stats/detectors/cusum.ts';
import { Ddm } from '../../../src/stats/detectors/ddm.ts';
import { Eddm } from '../../../src/stats/detectors/eddm.ts';
import { HddmA } from '../../../src/stats/detectors/hddm-a.ts';
import { HddmW } from '../../../src/stats/detectors/hddm-w.ts';
import { Kswin } from '../../../src/stats/detectors/kswin.ts';
import { PageHinkley } from '../../../src/stats/detectors/page-hinkley.ts';
import type { DetectorState, StreamDetector } from '../../../src/stats/detectors/stream-detector.ts';
import { SeededGenerator } from '../../../src/stats/seeded-generator.ts';

interface Kind {
  readonly name: string;
  readonly make: () => StreamDetector;
  readonly fromJSON: (state: unknown) => StreamDetector;
}

const kinds: readonly Kind[] = [
  { name: 'Adwin', make: () => new Adwin({ clock: 8 }), fromJSON: (state) => Adwin.fromJSON(state) },
  { name: 'Ddm', make: () => new Ddm(), fromJSON: (state) => Ddm.fromJSON(state) },
  { name: 'Eddm', make: () => new Eddm({ warmUp: 10 }), fromJSON: (state) => Eddm.fromJSON(state) },
  { name: 'HddmA', make: () => new HddmA({ twoSided: true }), fromJSON: (state) => HddmA.fromJSON(state) },
  { name: 'HddmW', make: () => new HddmW({ twoSided: true }), fromJSON: (state) => HddmW.fromJSON(state) },
  { name: 'Kswin', make: () => new Kswin({ seed: 3 }), fromJSON: (state) => Kswin.fromJSON(state) },
  { name: 'PageHinkley', make: () => new PageHinkley({ threshold: 5 }), fromJSON: (state) => PageHinkley.fromJSON(state) },
  { name: 'Cusum', make: () => new Cusum({ threshold: 8 }), fromJSON: (state) => Cusum.fromJSON(state) },
];

/** Errors of a model that is wrong one time in ten, then every other time. */
function errors(seed: number, size: number, from: number): number[] {
  const generator = new SeededGenerator(seed);
  return Array.from({ length: size }, (_, i) => (generator.uniform() < (i < from ? 0.1 : 0.5) ? 1 : 0));
}

const stored = (detector: StreamDetector): unknown => JSON.parse(JSON.stringify(detector));

describe.each(kinds)('$name', ({ make, fromJSON }) => {
  it('sees the errors of a model become five times as many', () => {
    const detector = make();
    const statuses = errors(11, 3000, 1500).map((error) => detector.update(error));
    expect(statuses.slice(1500, 2200)).toContain('drift');
    expect(detector.detections).toBe(statuses.filter((status) => status === 'drift').length);
    expect(detector.observations).toBe(3000);
  });

  it('goes on from plain JSON at any moment as if it had never been stored', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 400 }), (seed, cut) => {
        const stream = errors(seed, 600, 300);
        const lasting = make();
        const before = make();
        const expected = stream.map((value) => lasting.update(value));
        const found = stream.slice(0, cut).map((value) => before.update(value));
        const after = fromJSON(stored(before));
        expect(stored(after)).toEqual(stored(before));
        expect([...found, ...stream.slice(cut).map((value) => after.update(value))]).toEqual(expected);
        expect(stored(after)).toEqual(stored(lasting));
      }),
      { numRuns: 25 },
    );
  });

  it('counts what is no observation and is not moved by it', () => {
    const [clean, dirty] = [make(), make()];
    for (const [i, value] of errors(5, 400, 200).entries()) {
      const status = clean.update(value);
      expect(dirty.update(value)).toBe(status);
      expect(dirty.update([NaN, Infinity, -Infinity][i % 3]!)).toBe(status);
    }
    expect([dirty.ignored, dirty.observations]).toEqual([400, clean.observations]);
    expect((stored(dirty) as DetectorState).memory).toEqual((stored(clean) as DetectorState).memory);
  });

  it('is after a reset what it was at first', () => {
    const detector = make();
    for (const value of errors(6, 700, 350)) detector.update(value);
    detector.reset();
    for (const value of errors(7, 300, 150)) detector.update(value);
    const fresh = make();
    for (const value of errors(7, 300, 150)) fresh.update(value);
    expect(stored(detector)).toEqual(stored(fresh));
  });

  it('takes no state of rubbish: the error names the field', () => {
    const detector = make();
    for (const value of errors(8, 150, 75)) detector.update(value);
    const state = stored(detector) as Record<string, unknown>;
    for (const rubbish of [null, 7, 'state', [], {}, { ...state, kind: 'other' }, { ...state, version: 2 }]) expect(() => fromJSON(rubbish)).toThrow(/^state/);
    for (const field of ['options', 'status', 'observations', 'detections', 'ignored', 'memory']) {
      for (const value of [undefined, 'x', -1, [null]]) expect(() => fromJSON({ ...state, [field]: value }), `${field} ${String(value)}`).toThrow(`state.${field}`);
    }
    const memory = state['memory'] as Record<string, unknown>;
    for (const field of Object.keys(memory)) {
      for (const value of [undefined, 'x', 'NaN', [null, 1], {}]) {
        expect(() => fromJSON({ ...state, memory: { ...memory, [field]: value } }), `${field} ${JSON.stringify(value)}`).toThrow(`state.memory.${field}`);
      }
    }
  });
});

test('wrong options are refused by name', () => {
  expect(() => new Adwin({ delta: 0 })).toThrow(/^delta is 0/);
  expect(() => new Adwin({ clock: 0 })).toThrow(/^clock is 0/);
  expect(() => new Ddm({ drift: -1 })).toThrow(/^drift is -1/);
  expect(() => new Eddm({ alpha: 0.8, beta: 0.9 })).toThrow(/^beta is 0.9 and alpha is 0.8/);
  expect(() => new HddmA({ drift: 0.01, warning: 0.001 })).toThrow(/^warning is 0.001 and drift is 0.01/);
  expect(() => new HddmW({ lambda: 1 })).toThrow(/^lambda is 1/);
  expect(() => new PageHinkley({ alpha: 0 })).toThrow(/^alpha is 0/);
  expect(() => new PageHinkley({ direction: 'sideways' as 'up' })).toThrow(/^direction is "sideways"/);
  expect(() => new Cusum({ slack: NaN })).toThrow(/^slack is NaN/);
  expect(() => new Kswin({ recent: 60 })).toThrow(/^recent is 60/);
});

test('detectors of errors take nothing outside of [0, 1], Eddm nothing but 0 and 1', () => {
  for (const detector of [new Ddm(), new HddmA(), new HddmW(), new Eddm()]) {
    detector.update(2);
    detector.update(-0.1);
    expect(detector.ignored).toBe(2);
  }
  const eddm = new Eddm();
  eddm.update(0.5);
  expect(eddm.ignored).toBe(1);
});

describe('Adwin', () => {
  it('keeps a window whose mean and width are those of the values since the last change', () => {
    const adwin = new Adwin();
    expect(adwin.mean).toBeNaN();
    for (const value of [1, 2, 3, 6]) adwin.update(value);
    expect([adwin.width, adwin.mean]).toEqual([4, 3]);
    for (let i = 0; i < 5000; i++) adwin.update(3);
    expect(adwin.width).toBe(5004);
    expect(adwin.mean).toBeCloseTo(3, 12);
  });

  it('decides alike on a stream and on its mirror image', () => {
    const plain = new Adwin({ clock: 1 });
    const fallen = new Adwin({ clock: 1 });
    for (const value of errors(21, 1200, 600)) expect(fallen.update(1 - value)).toBe(plain.update(value));
  });

  it('raises few false alarms: on 100 stable streams of 2,000, no more than the bound of its delta and looks allows', () => {
    let alarms = 0;
    for (let seed = 0; seed < 100; seed++) {
      const adwin = new Adwin();
      const generator = new SeededGenerator(seed);
      for (let i = 0; i < 2000; i++) if (adwin.update(generator.uniform() < 0.3 ? 1 : 0) === 'drift') alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(5);
  });
});

test('directions: a chart that looks up does not see a fall', () => {
  const stream = Array.from({ length: 400 }, (_, i) => (i % 5) - (i < 200 ? 0 : 5));
  const drifts = (detector: StreamDetector): number => stream.filter((value) => detector.update(value) === 'drift').length;
  for (const direction of ['down', 'both'] as const) {
    expect(drifts(new Cusum({ direction, warmUp: 100, threshold: 8 }))).toBeGreaterThan(0);
    expect(drifts(new PageHinkley({ direction, threshold: 20 }))).toBeGreaterThan(0);
  }
  expect(drifts(new Cusum({ direction: 'up', warmUp: 100, threshold: 8 }))).toBe(0);
  expect(drifts(new PageHinkley({ direction: 'up', threshold: 20 }))).toBe(0);
});

import { describe, expect, it } from 'vitest';
import { clopperPearsonInterval } from '../../../src/stats/tests/clopper-pearson-interval.ts';
import { conceptSettings, type ConceptSettings } from '../../../src/monitoring/concept/concept-options.ts';
import { distanceOf, mergeLosses, skewnessOf, sumLosses, type LossSums } from '../../../src/monitoring/concept/loss-sums.ts';
import { followLosses, newStream, type LossStream } from '../../../src/monitoring/concept/loss-stream.ts';
import { LossTimeline } from '../../../src/monitoring/concept/loss-timeline.ts';
import { Sampler } from '../samples.ts';

const everyMs = 1000;
const detectors = ['page-hinkley', 'adwin'] as const;

function settingsOf(options: Partial<ConceptSettings>): ConceptSettings {
  return conceptSettings(options, 'concept')!;
}

/** The stream after another period of `n` losses, spread evenly over it. */
function period(stream: LossStream, number: number, n: number, loss: () => number, settings: ConceptSettings): LossStream {
  const start = number * everyMs;
  const timeline = new LossTimeline(start, everyMs);
  for (let i = 0; i < n; i++) timeline.add('', start + (everyMs * i) / n, loss());
  return followLosses(stream, timeline.versions[0]![1], settings);
}

describe('losses in the order of time', () => {
  it('come to the same sums in whatever order and parts they are added', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const sampler = new Sampler(seed);
      const values = [...sampler.normals(300, 5, 2)].map((value) => value ** 2);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const power = (k: number): number => values.reduce((sum, value) => sum + (value - mean) ** k, 0);
      const one = (value: number, i: number): LossSums => [i, 1, value, 0, 0];
      const cut = Math.floor(300 * sampler.random());
      const [from, n, ...rest] = mergeLosses(sumLosses(values.slice(cut).map((value, i) => one(value, cut + i))), sumLosses(values.slice(0, cut).map(one)));
      expect([from, n]).toEqual([0, 300]);
      [mean, power(2), power(3)].forEach((expected, i) => expect(rest[i]! / expected, `seed ${seed}`).toBeCloseTo(1, 9));

      const orders = [values.map((_, i) => i), values.map((_, i) => 299 - i), values.map((_, i) => (i * 7) % 300)];
      const timelines = orders.map((order) => {
        const timeline = new LossTimeline(0, everyMs);
        for (const i of order) timeline.add(i % 3 === 0 ? 'v1' : '', (everyMs * i) / 300, values[i]!);
        return timeline.versions;
      });
      for (const other of timelines.slice(1)) {
        expect(other.map(([version, sums]) => [version, sums.map(([at, count]) => [at, count])])).toEqual(timelines[0]!.map(([version, sums]) => [version, sums.map(([at, count]) => [at, count])]));
        other.forEach(([, sums], v) => sums.forEach(([, , own], i) => expect(own).toBeCloseTo(timelines[0]![v]![1][i]![2], 9)));
      }
      expect(timelines[0]![0]![1].every(([at], i, all) => i === 0 || at > all[i - 1]![0])).toBe(true);
    }
  });

  it('follow twenty versions, and count what belongs to others; what is no loss is left out', () => {
    const timeline = new LossTimeline(0, everyMs);
    for (let i = 0; i < 100; i++) timeline.add(`v${i % 25}`, i, 1);
    for (const loss of [NaN, Infinity, 1e300]) timeline.add('v0', 500, loss);
    expect([timeline.versions.length, timeline.unfollowed]).toEqual([20, 20]);
    expect(timeline.versions.map(([, sums]) => sumLosses(sums)[1])).toEqual(new Array(20).fill(4));
  });

  it('are compared by the variance of both sides, and by none where all are alike', () => {
    const [a, b]: LossSums[] = [[0, 3, 2, 2, 0], [5, 3, 4, 2, 0]];
    expect(distanceOf(a!, b!)).toBeCloseTo(2 / Math.sqrt((10 / 5) * (2 / 3)), 12);
    expect([distanceOf([0, 5, 1, 0, 0], [9, 5, 1, 0, 0]), skewnessOf([0, 5, 1, 0, 0])]).toEqual([0, 0]);
    expect(skewnessOf(sumLosses([0, 0, 0, 1].map((loss, i): LossSums => [i, 1, loss, 0, 0])))).toBeCloseTo(1.1547005, 6);
  });
});

describe('the stream of losses', () => {
  it('gives no more false alarms than it says, whatever the losses are like', () => {
    const laws: [name: string, perPeriod: number, loss: (sampler: Sampler) => number][] = [
      ['one in two wrong', 800, ({ random }) => Number(random() < 0.5)],
      ['one in ten wrong', 800, ({ random }) => Number(random() < 0.1)],
      ['one in a hundred wrong', 2400, ({ random }) => Number(random() < 0.01)],
      ['exponential', 1000, ({ random }) => -Math.log(1 - random())],
      ['squared normal', 1000, (sampler) => sampler.normal() ** 2],
    ];
    for (const [l, [name, perPeriod, loss]] of laws.entries()) {
      for (const detector of detectors) {
        const sampler = new Sampler(100 + l);
        const settings = settingsOf({ detector, periodsPerFalseAlarm: 20, minEffect: 0 });
        let [alarms, periods] = [0, 0];
        for (let repeat = 0; repeat < 3; repeat++) {
          let stream = newStream('', settings);
          for (let p = 0; p < 40; p++, periods++) {
            stream = period(stream, p, perPeriod, () => loss(sampler), settings);
          }
          alarms += stream.detector.detections;
        }
        const { low } = clopperPearsonInterval(alarms, periods, 0.01);
        expect(low, `${name}, ${detector}: ${alarms} false alarms in ${periods} periods`).toBeLessThanOrEqual(1 / 20);
      }
    }
  });

  it('finds when the losses went to another level, and when they are back', () => {
    for (const detector of detectors) {
      const sampler = new Sampler(3);
      const settings = settingsOf({ detector });
      let stream = newStream('', settings);
      const told: (number | null)[] = [];
      const levels = [0.1, 0.1, 0.1, 0.1, 0.25, 0.25, 0.25, 0.25, 0.1, 0.1, 0.1, 0.1];
      for (const [p, level] of levels.entries()) {
        stream = period(stream, p, 2400, () => Number(sampler.random() < level), settings);
        told.push(stream.drift && Math.round(stream.drift.at / 100) / 10);
      }
      expect(told.slice(0, 4), detector).toEqual([null, null, null, null]);
      expect(told[5], detector).toBeCloseTo(4, 0);
      expect(told[7], detector).toBe(told[5]);
      expect(told.slice(10), detector).toEqual([null, null]);
    }
  });

  it('finds a large change by one block, when all predictions of a period are made at one moment', () => {
    const sampler = new Sampler(4);
    const settings = settingsOf({});
    let stream = newStream('', settings);
    const found = [0.1, 0.1, 0.1, 0.1, 0.2].map((level, p) => {
      const timeline = new LossTimeline(p * everyMs, everyMs);
      for (let i = 0; i < 2000; i++) timeline.add('', p * everyMs, Number(sampler.random() < level));
      stream = followLosses(stream, timeline.versions[0]![1], settings);
      return stream.drift?.at;
    });
    expect(found).toEqual([undefined, undefined, undefined, undefined, 4 * everyMs]);
  });

  it('keeps the level at first while the loss grows on, and tells the newest', () => {
    const sampler = new Sampler(5);
    const settings = settingsOf({});
    let stream = newStream('', settings);
    for (let p = 0; p < 12; p++) stream = period(stream, p, 1000, () => p < 4 ? sampler.random() : sampler.random() + (p < 8 ? 0.5 : 1.5), settings);
    expect(stream.drift!.before[2]).toBeCloseTo(0.5, 1);
    expect(stream.drift!.at / everyMs).toBeCloseTo(4, 1);
    expect(sumLosses(stream.blocks)[2]).toBeCloseTo(2, 1);
  });

  it('takes no notice of a change that is surely there and smaller than what matters', () => {
    const drifts = [0.2, 0.01].map((minEffect) => {
      const sampler = new Sampler(7);
      const settings = settingsOf({ minEffect });
      let stream = newStream('', settings);
      for (let p = 0; p < 8; p++) stream = period(stream, p, 20_000, () => sampler.normal() + (p < 4 ? 0 : 0.1), settings);
      return { found: stream.drift !== null, called: stream.detector.detections > 0 };
    });
    expect(drifts).toEqual([{ found: false, called: true }, { found: true, called: true }]);
  });

  it('goes on from what was stored as if it had not been, and anew with another detector', () => {
    const settings = settingsOf({});
    const run = (stored: (stream: LossStream) => LossStream): LossStream => {
      const sampler = new Sampler(9);
      let stream = newStream('', settings);
      for (let p = 0; p < 20; p++) stream = stored(period(stream, p, 500, () => sampler.random() + (p > 12 ? 1 : 0), settings));
      return stream;
    };
    const whole = run((stream) => stream);
    expect(run((stream) => JSON.parse(JSON.stringify(stream, (_, value: unknown) => (value === Infinity ? 'inf' : value)), (_, value: unknown) => (value === 'inf' ? Infinity : value)) as LossStream)).toEqual(whole);
    expect(whole.drift).not.toBeNull();
    const other = period(whole, 20, 500, () => 1.5, settingsOf({ detector: 'adwin' }));
    expect([other.detector.kind, other.drift?.at]).toEqual(['adwin', whole.drift!.at]);
  });

  it('stays small however many losses pass', () => {
    const sampler = new Sampler(11);
    const settings = settingsOf({ detector: 'adwin' });
    let stream = newStream('', settings);
    for (let p = 0; p < 200; p++) stream = period(stream, p, 800, () => sampler.random(), settings);
    expect(sumLosses(stream.blocks)[1] + stream.partial[1]).toBe(160_000);
    expect(stream.blocks.length).toBeLessThanOrEqual(128);
    expect(JSON.stringify(stream).length).toBeLessThan(30_000);
  });
});

import { DriftMonitor, MemoryStorage, isModelkeepError, profileData, type DriftAlert, type DriftMonitorOptions, type MonitorQualityOptions, type QualityCheck, type QualityReport } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { MonitorState } from '../../src/monitoring/monitor-state.ts';
import { qualityJudgement } from '../../src/monitoring/quality/quality-options.ts';
import { WindowCounter } from '../../src/monitoring/windows/window-counter.ts';
import { readHead } from '../../src/storage/head-record.ts';
import { clopperPearsonInterval } from '../../src/stats/tests/clopper-pearson-interval.ts';
import { ManualClock } from '../pipelines/manual-clock.ts';
import { Sampler } from './samples.ts';

const rows = 1000;
const reference = profileData({
  age: Float64Array.from({ length: rows }, (_, i) => 18 + (i % 70)),
  income: Array.from({ length: rows }, (_, i) => (i % 50 === 0 ? null : 100 * i)),
  country: Array.from({ length: rows }, (_, i) => ['DE', 'FR', 'IT'][i % 3]!),
});

type Row = Record<string, unknown>;

function usual(i: number): Row {
  return { age: 18 + ((i * 37) % 70), income: i % 50 === 3 ? null : 100 * Math.max(1, (i * 37) % rows), country: ['DE', 'FR', 'IT'][i % 3] };
}

function monitorWith(quality: MonitorQualityOptions, options: Partial<DriftMonitorOptions> = {}): DriftMonitor {
  return new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: { rows: 500 }, quality, ...options });
}

/** What a window of 500 rows comes to, in which every `nth` row is changed. */
async function reportOn(change: (row: Row, i: number) => Row, { nth = 1, quality = {}, ...options }: Partial<DriftMonitorOptions> & { nth?: number } = {}): Promise<QualityReport> {
  const monitor = monitorWith(quality, options);
  for (let i = 0; i < 500; i++) monitor.observe({ features: i % nth === 0 ? change(usual(i), i) : usual(i) });
  return (await monitor.check({ close: true })).quality!;
}

function violations({ checks }: QualityReport): string[] {
  return checks.filter(({ status }) => status === 'violated').map(({ name, column }) => (column === undefined ? name : `${column} ${name}`));
}

function checkOf(report: QualityReport, name: QualityCheck['name']): QualityCheck {
  return report.checks.find((each) => each.name === name && each.rows > 0 && each.status !== 'held')!;
}

describe('the quality of data', () => {
  it('holds rows that are as those of the reference', async () => {
    const report = await reportOn((row) => row);
    expect(report).toMatchObject({ status: 'held', rows: 500, judged: 12, absent: [], unknown: [] });
    // One in fifty has no income, as in the reference.
    expect(report.checks).toHaveLength(1);
    expect(report.checks[0]).toMatchObject({ name: 'missing', column: 'income', status: 'held', rows: 10, of: 500, share: 0.02, reference: 0.02, reason: 'income: 2 % of the rows have no value (10 of 500), where 2 % of the reference\'s are' });
    expect(report.checks[0]!.low).toBeLessThan(0.02);
    expect(report.checks[0]!.high).toBeGreaterThan(0.02);
    expect((await new DriftMonitor({ storage: new MemoryStorage(), name: 'm', reference, window: { rows: 500 } }).check()).quality).toBeUndefined();
  });

  it.each<[what: string, nth: number, change: (row: Row, i: number) => Row, found: readonly string[], reason: RegExp]>([
    ['missing', 10, (row) => ({ ...row, age: undefined }), ['age missing'], /^age: 10 % of the rows have no value \(50 of 500\), where 0 % of the reference's are$/],
    ['not finite', 10, (row, i) => ({ ...row, age: i % 20 === 0 ? Infinity : NaN }), ['age missing', 'age notFinite'], /^age: 10 % of the values are NaN or infinite/],
    ['of another type', 10, (row) => ({ ...row, age: 'forty' }), ['age mistyped'], /^age: 10 % of the values are not of the kind number \(50 of 500\)/],
    ['out of range', 10, (row, i) => ({ ...row, age: i % 20 === 0 ? -1 : 400 }), ['age range'], /^age: 10 % of the numbers are out of 18 to 87, 25 of them below \(50 of 500\)/],
    ['of unseen categories', 10, (row) => ({ ...row, country: 'Atlantis' }), ['country unseen'], /^country: 10 % of the values are of categories that are not known, such as "Atlantis" \(50 of 500\)/],
    ['no longer sent', 1, ({ age: _, ...row }) => row, ['age missing'], /^age: 100 % of the rows have no value, for nobody sends the column \(500 of 500\)/],
    ['not known', 10, (row) => ({ ...row, agee: 40, x: 1 }), ['unknown'], /^10 % of the rows have columns that the reference does not have, such as "agee", "x" \(50 of 500\)/],
  ])('is violated where values are %s', async (_, nth, change, found, reason) => {
    const report = await reportOn(change, { nth });
    expect(violations(report)).toEqual(found);
    expect(report.checks.find(({ reason: each }) => reason.test(each)), report.checks.map((each) => each.reason).join('\n')).toMatchObject({ status: 'violated' });
    expect(report.status).toBe('violated');
  });

  it('tells which columns nobody sends, and which are not known and how often', async () => {
    const report = await reportOn(({ age: _, ...row }, i) => ({ ...row, ...(i % 2 === 0 && { agee: i }), request: i }));
    expect(report).toMatchObject({ absent: ['age'], unknown: [{ name: 'request', rows: 500 }, { name: 'agee', rows: 250 }] });
    const allowed = await reportOn(({ age: _, ...row }) => ({ ...row, request: 1 }), { quality: { columns: { request: false, age: false } } });
    expect(allowed).toMatchObject({ status: 'held', absent: [], unknown: [], judged: 8 });
    expect(violations(await reportOn((row) => ({ ...row, request: 1 }), { quality: { maxUnknown: 1 } }))).toEqual([]);
  });

  it('does not call what is too little violated: neither too few rows, nor too small an increase', async () => {
    // Three in 500 is 0.6 %: significantly more than none of 1,000 is, and less than one in a hundred.
    expect(violations(await reportOn((row) => ({ ...row, age: null }), { nth: 100 }))).toEqual([]);
    expect(violations(await reportOn((row) => ({ ...row, age: null }), { nth: 50, quality: { minIncrease: 0 } }))).toEqual(['age missing']);
    const monitor = monitorWith({});
    for (let i = 0; i < 29; i++) monitor.observe({ features: { age: 'x' } });
    const { quality } = await monitor.check();
    expect(quality).toMatchObject({ status: 'insufficient', judged: 0, rows: 29 });
    expect(new Set(quality!.checks.map(({ status }) => status))).toEqual(new Set(['insufficient']));
    expect((await monitorWith({}).check()).quality).toEqual({ status: 'insufficient', rows: 0, judged: 0, checks: [], absent: [], unknown: [] });
  });

  it('holds columns to bounds of their own in the place of the reference', async () => {
    const change = (row: Row): Row => ({ ...row, age: 5, income: null, country: 'AT' });
    const bounds: MonitorQualityOptions = { columns: { age: { min: 0, max: 120 }, income: { maxMissing: 0.2 }, country: { in: ['DE', 'FR', 'IT', 'AT'] } } };
    expect(violations(await reportOn(change, { nth: 10 }))).toEqual(['age range', 'income missing', 'country unseen']);
    expect(violations(await reportOn(change, { nth: 10, quality: bounds }))).toEqual([]);
    const tight: MonitorQualityOptions = { columns: { age: { min: 6 }, income: { maxMissing: 0 }, country: { maxUnseen: 0 } } };
    const report = await reportOn(change, { nth: 500, quality: tight });
    expect(violations(report)).toEqual(['age range', 'income missing', 'country unseen']);
    expect(checkOf(report, 'range')).toMatchObject({ rows: 1, of: 500, max: 0, reason: 'age: 0.2 % of the numbers are below 6 (1 of 500), where none may be' });
    expect(checkOf(report, 'range').pValue).toBeUndefined();
    // A share at its bound is not surely beyond it.
    expect(violations(await reportOn(change, { nth: 10, quality: { columns: { age: { min: 6, maxOutOfRange: 0.1 }, income: { maxMissing: 0.118 }, country: { maxUnseen: 0.1 } } } }))).toEqual([]);
  });

  it('finds categories that are too many to count, and does not call the few that it cannot count violated', async () => {
    const few = profileData({ country: ['DE', 'FR', 'IT'].flatMap((each) => Array.from({ length: 400 }, () => each)) }, { maxCategories: 20 });
    const ids = await reportOn((_, i) => ({ country: `id-${i}` }), { reference: few, quality: { minIncrease: 0.05 } });
    expect(checkOf(ids, 'unseen')).toMatchObject({ status: 'insufficient', rows: 18, of: 500, high: 1 });
    expect(violations(await reportOn((_, i) => ({ country: `id-${i}` }), { reference: few }))).toEqual(['country unseen']);
    expect(checkOf(ids, 'unseen').reason).toMatch(/^country: at least 3.6 % of the values are of categories that are not known, of which there are more than 20 now/);
  });

  it('adds up what several monitors on one directory counted, over a restart, and alerts until it is over', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-quality-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const clock = new ManualClock();
    const told: DriftAlert[] = [];
    const open = (): DriftMonitor => {
      const monitor = new DriftMonitor({ storage: new FilesystemStorage(directory), name: 'm', reference, window: { every: '1m', grace: 0 }, clock, quality: { columns: { age: { min: 0, max: 120 } } }, alerts: { severity: { quality: 'critical' } } });
      monitor.on('alert', (alert) => told.push(alert));
      return monitor;
    };
    const windows: [faulty: number, expected: string[]][] = [[0, []], [10, ['age range', 'country unseen', 'unknown']], [10, ['age range', 'country unseen', 'unknown']], [0, []]];
    for (const [faulty, expected] of windows) {
      // Each process sees too few to tell by, and the second of them begins anew in between.
      for (const process of [0, 1, 2]) {
        await using monitor = open();
        for (let i = 0; i < 20; i++) monitor.observe({ features: i < faulty ? { ...usual(i), age: -1, country: 'AT', [`extra${process}`]: 1 } : usual(i) });
      }
      clock.jump(60_000);
      await using last = open();
      const { quality } = await last.check();
      expect(quality).toMatchObject({ rows: 60, unknown: faulty === 0 ? [] : [0, 1, 2].map((process) => ({ name: `extra${process}`, rows: 10 })) });
      expect(violations(quality!)).toEqual(expected);
    }
    const alerts = told.filter(({ kind }) => kind === 'quality');
    expect(alerts.map(({ kind, status, severity, window, columns }) => [kind, status, severity, window, columns])).toEqual(
      (['firing', 'resolved'] as const).map((status) => ['quality', status, 'critical', status === 'firing' ? 2 : 4, ['age', 'country', 'extra0', 'extra1', 'extra2']]),
    );
    expect(alerts[0]!.summary).toBe(
      'Monitor \'m\': the quality of the data is out of its bounds: age: 50 % of the numbers are out of 0 to 120, 30 of them below (30 of 60), where none may be; country: 50 % of the values are of categories that are not known, such as "AT" (30 of 60), where 0 % of the reference\'s are; '
      + '50 % of the rows have columns that the reference does not have, such as "extra0", "extra1", "extra2" (30 of 60), where 0 % of the reference\'s are in window 2.',
    );
  });

  it('does not add up what is out of different ranges', async () => {
    const storage = new MemoryStorage();
    const [wide, narrow] = [120, 20].map((max) => monitorWith({ columns: { age: { max } } }, { storage }));
    for (let i = 0; i < 40; i++) for (const monitor of [wide!, narrow!]) monitor.observe({ features: { ...usual(i), age: 30 } });
    await narrow!.flush();
    expect(violations((await wide!.check()).quality!)).toEqual([]);
    expect(checkOf((await narrow!.check()).quality!, 'range')).toMatchObject({ status: 'violated', rows: 40, of: 40 });
  });
});

describe('the quality of odd data', () => {
  it('takes columns by any name, inherited ones too, for what they are', async () => {
    const names = ['constructor', '__proto__', 'toString', 'unknown', 'rows'];
    const fromNames = (value: (name: string) => unknown): Row => Object.fromEntries(names.map((name) => [name, value(name)]));
    const odd = profileData(Array.from({ length: 100 }, (_, i) => fromNames(() => i)));
    const quality = { columns: fromNames(() => ({ max: 50 })) } as MonitorQualityOptions;
    const monitor = monitorWith(quality, { reference: odd });
    for (let i = 0; i < 50; i++) monitor.observe({ features: fromNames(() => i) });
    expect((await monitor.check({ close: true })).quality).toMatchObject({ status: 'held', absent: [], unknown: [], rows: 50, judged: 21 });
    for (let i = 0; i < 50; i++) monitor.observe({ features: fromNames(() => 51) });
    expect(violations((await monitor.check({ close: true })).quality!)).toEqual(names.map((name) => `${name} range`));
    for (let i = 0; i < 50; i++) monitor.observe({ features: {} });
    expect((await monitor.check({ close: true })).quality).toMatchObject({ absent: names, unknown: [] });
    const unknown = monitorWith({});
    for (let i = 0; i < 50; i++) unknown.observe({ features: fromNames(() => i) });
    expect((await unknown.check()).quality!.unknown.map(({ name }) => name)).toEqual([...names].sort());
  });

  it('keeps a bounded number of names, however many come', async () => {
    const storage = new MemoryStorage();
    for (let process = 0; process < 3; process++) {
      await using monitor = monitorWith({}, { storage });
      const hostile = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`${process}-${i}-${'x'.repeat(1000)}`, i]));
      for (let i = 0; i < 5; i++) monitor.observe({ features: { ...usual(i), ...hostile } });
      for (let i = 0; i < 30; i++) monitor.observe({ features: { ...usual(i), [`once${process}-${i}`]: 1 } });
    }
    const state = JSON.stringify(await monitorSums(storage));
    expect(state.match(/unknown \d-/g)).toHaveLength(60);
    expect(state.length).toBeLessThan(20_000);
    const { quality } = await monitorWith({}, { storage }).check();
    expect(quality!.checks.find(({ name }) => name === 'unknown')).toMatchObject({ status: 'violated', rows: 105, of: 105 });
    expect(quality!.unknown).toHaveLength(10);
    expect(quality!.unknown.every(({ name, rows: count }) => name.length <= 200 && count === 5)).toBe(true);
  });

  const columns: Record<string, (i: number) => unknown> = {
    empty: () => undefined,
    constant: () => 7,
    missing: () => null,
    nan: () => NaN,
    mixed: (i) => [1, 'a', true, null, { a: 1 }, new Date(0), 3n, Infinity, [1], -0][i % 10],
    dates: (i) => new Date(1e12 + i),
    texts: (i) => `the text number ${i} of many`,
    vectors: (i) => Float32Array.from({ length: 8 }, (_, k) => k * i),
    ids: (i) => `id-${i}`,
  };
  const oddRows = (count: number): Row[] => Array.from({ length: count }, (_, i) => Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, value(i)])));

  it.each(Object.keys(columns))('never throws when every column is like %s, whatever the reference was', async (name) => {
    const kinds = { mixed: 'category', empty: 'number' } as const;
    for (const [before, options] of [[oddRows(0), {}], [oddRows(1), {}], [oddRows(200), { kinds, maxCategories: 100 }]] as const) {
      const profile = profileData(before.length === 0 ? Object.fromEntries(Object.keys(columns).map((each) => [each, []])) : before, options);
      const monitor = monitorWith({ minRows: 1 }, { reference: profile });
      for (let i = 0; i < 50; i++) monitor.observe({ features: Object.fromEntries(Object.keys(columns).map((each) => [each, columns[name]!(i)])) });
      const { quality } = await monitor.check();
      for (const { low, high, share, pValue = 0, reason } of quality!.checks) {
        expect(low <= share && share <= high && pValue >= 0 && pValue <= 1, reason).toBe(true);
        expect(reason).not.toMatch(/NaN %|undefined|null/);
      }
    }
  });

  it('refuses what cannot be meant', () => {
    const ids = profileData({ id: Array.from({ length: 50 }, (_, i) => `id-${i}`) }, { maxCategories: 10 });
    for (const [wrong, message, options] of [
      [{ maxMissing: 0.1 }, /maxMissing/],
      [{ alpha: 0 }, /options.quality.alpha/],
      [{ columns: { age: { maxMissing: 2 } } }, /options.quality.columns.age.maxMissing/],
      [{ columns: { age: { min: 5, max: 4 } } }, /min is above/],
      [{ columns: { age: { in: ['a'] } } }, /is about categories/],
      [{ columns: { country: { min: 5 } } }, /only numbers have a range/],
      [{ columns: { agee: { min: 5 } } }, /the reference does not have.*age, income, country/],
      [{ columns: { id: { maxUnseen: 0 } } }, /more than 10/, { reference: ids }],
    ] as const) {
      const made = (): DriftMonitor => monitorWith(wrong as never, options);
      expect(made, JSON.stringify(wrong)).toThrow(message);
      expect(made).toThrow(expect.toSatisfy((error) => isModelkeepError(error, 'validation')));
    }
  });
});

/** What the open window of a monitor keeps for quality. */
async function monitorSums(storage: MemoryStorage): Promise<unknown> {
  const state = await readHead<MonitorState>({ storage, key: 'monitors/m' });
  return state!.open[0]!.sums['quality'];
}

/** A value of each kind of column, drawn. */
const drawn: Record<string, (sampler: Sampler) => unknown> = {
  normal: (sampler) => sampler.normal(),
  heavy: (sampler) => sampler.normal() / Math.abs(sampler.normal()),
  ties: (sampler) => Math.floor(7 * sampler.random()),
  gaps: (sampler) => (sampler.random() < 0.1 ? null : sampler.random() < 0.05 ? NaN : sampler.random()),
  wrong: (sampler) => (sampler.random() < 0.03 ? 'n/a' : sampler.random()),
  few: (sampler) => `c${Math.floor(5 * sampler.random() ** 1.5)}`,
  // Frequencies that fall off as those of names do: there are always some that were not seen before.
  rare: (sampler) => `c${Math.floor(1 / (0.001 + sampler.random()))}`,
};

describe('the false alarms of quality', () => {
  // Without a least increase, so that significance alone decides: the harder case.
  it.each([
    { referenceRows: 120, rows: 120, seed: 1 },
    { referenceRows: 240, rows: 40, seed: 2 },
    { referenceRows: 40, rows: 160, seed: 3 },
  ])('are at most alpha, of $rows rows against $referenceRows (seed $seed)', async ({ referenceRows, rows: windowRows, seed }) => {
    const sampler = new Sampler(seed);
    const alpha = 0.2;
    const windows = 100;
    const names = Object.keys(drawn);
    const drawRow = (): Row => Object.fromEntries(names.map((name) => [name, drawn[name]!(sampler)]));
    let alarms = 0;
    for (let window = 0; window < windows; window++) {
      const profile = profileData(Array.from({ length: referenceRows }, drawRow), { kinds: Object.fromEntries(names.map((name) => [name, name === 'few' || name === 'rare' ? 'category' : 'number'])) });
      const judgement = qualityJudgement({ alpha, minIncrease: 0 }, undefined, profile, 'quality')!;
      const counter = new WindowCounter(profile, [judgement]);
      for (let row = 0; row < windowRows; row++) counter.observe({ features: drawRow() }, undefined, 0);
      const { status } = (await judgement.load()).judge({ reference: profile, counts: counter.take(0), complete: true });
      if (status === 'violated') alarms++;
    }
    expect(clopperPearsonInterval(alarms, windows, 0.01).low, `${alarms} of ${windows}, seed ${seed}`).toBeLessThanOrEqual(alpha);
  });
});

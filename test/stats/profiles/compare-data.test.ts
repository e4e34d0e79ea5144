import { compareData, isModelkeepError, mergeProfiles, profileData, type ColumnDrift, type DataDrift, type TableInput } from 'modelkeep';
import { describe, expect, it, test } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';

function columnOf(report: DataDrift, name: string): ColumnDrift {
  const found = report.columns.find((column) => column.name === name);
  if (found === undefined) throw new Error(`No column ${name} in ${report.summary}`);
  return found;
}

function everyNumber(value: unknown, path = ''): [string, number][] {
  if (typeof value === 'number') return [[path, value]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => everyNumber(inner, `${path}.${key}`));
}

/** The report is plain data with only finite numbers in it. */
function expectPlain(report: DataDrift): void {
  expect(everyNumber(report).filter(([, number]) => !Number.isFinite(number))).toEqual([]);
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
}

describe('compareData', () => {
  const sampler = new Sampler(11);
  const january = {
    delay: sampler.normals(3000, 10, 5),
    distance: sampler.normals(3000, 700, 200),
    origin: sampler.categories(3000, 8),
    cancelled: Array.from({ length: 3000 }, () => sampler.random() < 0.1),
  };

  it('names the columns that drifted, and how, and no other', () => {
    const february = { ...january, delay: sampler.normals(3000, 14, 5), origin: january.origin.map((origin) => (origin === 'c0' ? 'new' : origin)) };
    const report = compareData(january, february);
    expect(report).toMatchObject({ status: 'drifted', drifted: true, alpha: 0.05, minEffect: 0.1, minRows: 30, referenceRows: 3000, currentRows: 3000 });
    expect([...report.driftedColumns].sort()).toEqual(['delay', 'origin']);
    expect(report.summary).toMatch(/^2 of 4 columns drifted: .*delay \(PSI 0\.\d+/);
    const delay = columnOf(report, 'delay');
    expect(delay.tests).toMatchObject([{ of: 'values', method: 'ks-asymptotic' }]);
    expect(delay.effect).toMatchObject({ method: 'psi', bins: 10, binRule: 'reference-deciles', zeroRule: 'add-half' });
    expect(delay.effect!.low).toBeGreaterThan(0.4);
    expect(delay.moved[0]!.bin).toMatch(/^16\.\d+ and above$/);
    const origin = columnOf(report, 'origin');
    const news = january.origin.filter((name) => name === 'c0').length;
    expect(origin.unseen).toEqual({ rows: news, categories: 1, examples: ['new'] });
    expect(Number.isFinite(origin.tests[0]!.statistic)).toBe(true);
    expectPlain(report);
  });

  it('calls a significant but small change stable, and says so', () => {
    const many = new Sampler(12);
    const report = compareData({ x: many.normals(200_000) }, { x: many.normals(200_000, 0.05) });
    const x = columnOf(report, 'x');
    expect(x.adjustedPValue).toBeLessThan(1e-20);
    expect(x).toMatchObject({ status: 'stable', reason: expect.stringContaining('a real but small difference') });
  });

  it('does not call a large change small for want of rows', () => {
    const few = new Sampler(14);
    const x = columnOf(compareData({ x: few.normals(1000) }, { x: few.normals(30, 1) }), 'x');
    expect(x.adjustedPValue).toBeLessThan(0.01);
    expect(x).toMatchObject({ status: 'stable', reason: expect.stringContaining('too few rows to tell whether it is large') });
  });

  it('does not call a large index of few rows drift', () => {
    const few = new Sampler(13);
    const x = columnOf(compareData({ x: few.normals(1000) }, { x: few.normals(40) }), 'x');
    expect(x.effect!.value).toBeGreaterThan(0.1);
    expect(x.status).toBe('stable');
  });

  it('calls six rows insufficient, whatever is in them', () => {
    const six = (value: unknown): unknown[] => Array.from({ length: 6 }, () => value);
    const report = compareData(january, { delay: six(1e9), distance: six(0), origin: six('x'), cancelled: six(true) });
    expect(report).toMatchObject({ status: 'insufficient', drifted: false, driftedColumns: [], currentRows: 6 });
    expect(report.summary).toBe('No column could be judged: there are 6 current rows, at least 30 are needed.');
    expectPlain(report);
  });

  it('gives the same effect from a stored profile as from the rows, and a p-value that is at least as large', () => {
    const february = {
      delay: sampler.normals(900, 12, 5),
      distance: sampler.normals(900, 700, 200),
      origin: sampler.categories(900, 8),
      cancelled: january.cancelled.slice(0, 900),
    };
    const fromRows = compareData(january, february);
    const stored = JSON.parse(JSON.stringify(profileData(january)));
    const fromProfile = compareData(stored, february);
    for (const column of fromRows.columns) {
      const other = columnOf(fromProfile, column.name);
      expect(other.effect).toEqual(column.effect);
      expect(other.status).toBe(column.status);
      expect(other.pValue).toBeGreaterThanOrEqual(column.pValue! * 0.999);
    }
    expect(columnOf(fromProfile, 'delay').tests[0]!.method).toBe('ks-binned');
    expect(compareData(stored, profileData(february, { bins: stored }))).toEqual(fromProfile);
  });

  it('finds values that went missing, and values of another type', () => {
    const holes = Array.from(january.delay, (delay, i) => (i % 3 === 0 ? null : delay));
    const texts = Array.from(january.distance, (distance, i) => (i % 2 === 0 ? 'n/a' : distance));
    const report = compareData(january, { ...january, delay: holes, distance: texts });
    expect(columnOf(report, 'delay')).toMatchObject({ status: 'drifted', moved: [{ bin: 'missing', reference: 0 }, {}, {}, {}, {}], current: { missing: 1000 } });
    expect(columnOf(report, 'distance')).toMatchObject({ status: 'drifted', current: { mistyped: 1500 } });
    expect(report.driftedColumns).toHaveLength(2);
  });

  it('compares codes that are numbers as categories when asked to', () => {
    const codes = Array.from({ length: 600 }, (_, i) => i % 3);
    const moved = codes.map((code) => (code === 1 ? 7 : code));
    const report = compareData({ code: codes }, { code: moved }, { kinds: { code: 'category' } });
    expect(columnOf(report, 'code')).toMatchObject({ kind: 'category', status: 'drifted', unseen: { rows: 200, categories: 1, examples: ['7'] } });
  });

  it('compares a column of any name, __proto__ included, as it is asked to', () => {
    const of = (value: unknown): Record<string, never> => Object.fromEntries([['__proto__', value]]) as Record<string, never>;
    const codes = Array.from({ length: 100 }, (_, i) => i % 5);
    const profile = profileData(of(codes), { kinds: of('category'), prediction: '__proto__' });
    expect(profile.columns).toMatchObject([{ name: '__proto__', kind: 'category' }]);
    expect(compareData(profile, of(codes.map((code) => code * code))).driftedColumns).toEqual(['__proto__']);
    expect(() => profileData(of(codes), { kinds: of('colour') })).toThrow('options.kinds.__proto__ must be one of');
  });

  it('tells the prediction from the features', () => {
    const report = compareData({ score: sampler.normals(500) }, { score: sampler.normals(500, 2) }, { prediction: 'score' });
    expect(columnOf(report, 'score').role).toBe('prediction');
    expect(report.summary).toContain('score, the prediction');
  });

  it('sees ±Infinity as the smallest and largest values and counts them', () => {
    const infinite = Array.from(january.delay, (delay, i) => (i % 4 === 0 ? Infinity : delay));
    const delay = columnOf(compareData(january, { ...january, delay: infinite }), 'delay');
    expect(delay).toMatchObject({ status: 'drifted', current: { infinite: 750, rows: 3000 } });
    expect(delay.tests[0]!.statistic).toBeGreaterThan(0.2);
  });

  it('gives a pile of equal values a bin of its own', () => {
    const mostlyZero = Float64Array.from({ length: 1000 }, (_, i) => (i % 10 < 7 ? 0 : i));
    const oftenOne = mostlyZero.map((value, i) => (value === 0 && i % 2 === 0 ? 1e-9 : value));
    const x = columnOf(compareData({ x: mostlyZero }, { x: oftenOne }), 'x');
    expect(x.status).toBe('drifted');
    expect(x.moved.map(({ bin }) => bin)).toContain('exactly 0');
  });
});

const numbers = Float64Array.from({ length: 200 }, (_, i) => i % 37);
const huge = numbers.map((value) => (value > 18 ? 1.7e308 : -1.7e308));
const mixed = Array.from(numbers, (value, i) => (i % 2 ? value : String(value)));

/** What odd columns give: reference, current, the status. */
const odd: Record<string, [reference: ArrayLike<unknown>, current: ArrayLike<unknown>, status: string]> = {
  'empty on both sides': [[], [], 'insufficient'],
  'empty now': [numbers, [], 'insufficient'],
  'empty before': [[], numbers, 'insufficient'],
  'constant on both sides': [new Float64Array(200).fill(3), new Float64Array(90).fill(3), 'stable'],
  'another constant': [new Float64Array(200).fill(3), new Float64Array(90).fill(4), 'drifted'],
  'a smaller constant': [new Float64Array(200).fill(3), new Float64Array(90).fill(-4), 'drifted'],
  'the largest double, constant': [new Float64Array(200).fill(Number.MAX_VALUE), new Float64Array(90).fill(Number.MAX_VALUE), 'stable'],
  'doubles whose difference overflows': [huge, huge, 'stable'],
  'the smallest doubles': [numbers.map((value) => value * 5e-324), numbers.map((value) => value * 5e-324), 'stable'],
  'zeros of both signs': [numbers.map((_, i) => (i % 2 === 0 ? 0 : -0)), numbers.map(() => -0), 'stable'],
  'all NaN on both sides': [new Float64Array(200).fill(NaN), new Float64Array(200).fill(NaN), 'insufficient'],
  'all NaN now': [numbers, new Float64Array(200).fill(NaN), 'drifted'],
  'all NaN before': [new Float64Array(200).fill(NaN), numbers, 'drifted'],
  'all null on both sides': [Array(200).fill(null), Array(200).fill(null), 'insufficient'],
  'all null now, texts before': [Array(200).fill('a'), Array(200).fill(null), 'drifted'],
  'null became NaN': [Array(200).fill(null), new Float64Array(200).fill(NaN), 'insufficient'],
  'all infinite on both sides': [new Float64Array(200).fill(Infinity), new Float64Array(200).fill(Infinity), 'stable'],
  'infinity changed its sign': [new Float64Array(200).fill(Infinity), new Float64Array(200).fill(-Infinity), 'drifted'],
  'numbers became texts': [numbers, Array.from(numbers, String), 'drifted'],
  'numbers became truth values': [numbers, Array.from(numbers, (value) => value > 18), 'drifted'],
  'numbers became objects': [numbers, Array.from(numbers, (value) => ({ value })), 'drifted'],
  'texts became numbers': [Array.from(numbers, (value) => `t${value}`), numbers, 'drifted'],
  'bigints': [Array.from(numbers, BigInt), BigInt64Array.from(Array.from(numbers, BigInt)), 'stable'],
  'numbers and texts mixed': [mixed, mixed, 'stable'],
  'objects and arrays': [Array(200).fill({ a: [1, null] }), Array(200).fill({ a: [1, null] }), 'stable'],
  'names of what objects inherit': [Array.from(numbers, (_, i) => ['__proto__', 'constructor', 'toString'][i % 3]), Array(200).fill('__proto__'), 'drifted'],
  'half a surrogate pair': [Array.from(numbers, () => '\ud800'), Array.from(numbers, () => '\udc00x'), 'drifted'],
  'very long texts': [Array(200).fill('x'.repeat(100_000)), Array(200).fill('x'.repeat(100_000)), 'stable'],
  'a text of its own in every row': [Array.from({ length: 2000 }, (_, i) => `id${i}`), Array.from({ length: 2000 }, (_, i) => `new${i}`), 'insufficient'],
  'a few texts, each once': [Array.from({ length: 100 }, (_, i) => `id${i}`), Array.from({ length: 100 }, (_, i) => `new${i}`), 'stable'],
  'dates': [Array(200).fill(new Date(0)), Array(200).fill(new Date(1e12)), 'insufficient'],
  'other categories altogether': [Array.from(numbers, (value) => `a${value % 30}`), Array.from(numbers, (value) => `b${value % 30}`), 'drifted'],
  'thirty rows of another category': [Array(5000).fill('a'), Array(30).fill('b'), 'drifted'],
};

describe('odd columns', () => {
  test.each(Object.entries(odd))('%s', (_, [reference, current, status]) => {
    const seen = [compareData({ x: reference }, { x: current })];
    const profile = profileData({ x: reference });
    seen.push(compareData(JSON.parse(JSON.stringify(profile)), { x: current }));
    seen.push(compareData(profile, profileData({ x: current }, { bins: profile })));
    for (const report of seen) {
      expect(report.columns.map((column) => [column.name, column.status])).toEqual([['x', status]]);
      expect(report.columns[0]!.reason).not.toMatch(/NaN|undefined|Infinity/);
      expect(report.summary.length).toBeGreaterThan(10);
      expectPlain(report);
    }
  });

  it('a column that only one side has is insufficient', () => {
    const report = compareData({ x: numbers, gone: numbers }, { x: numbers, news: numbers });
    expect(report.columns.map(({ name, status, reason }) => [name, status, reason])).toEqual([
      ['x', 'stable', expect.any(String)],
      ['gone', 'insufficient', 'the current data has no such column'],
      ['news', 'insufficient', 'the reference has no such column'],
    ]);
    expect(report.summary).toContain('2 could not be judged: gone, news (gone: the current data has no such column; the reasons of the others are in columns).');
  });

  it('no column at all, and no row at all', () => {
    const nothings: TableInput[] = [{}, []];
    for (const nothing of nothings) {
      expect(compareData(nothing, nothing)).toMatchObject({ status: 'insufficient', columns: [], summary: 'There is no column to compare.' });
    }
  });

  it('rows, columns and typed arrays give one verdict', () => {
    const rows = Array.from(numbers, (x) => ({ x }));
    expect(compareData(rows, [...rows].reverse())).toEqual(compareData({ x: numbers }, { x: Float32Array.from(numbers) }));
    expect(compareData(rows, { x: numbers }).referenceRows).toBe(numbers.length);
  });
});

describe('wrong arguments', () => {
  const data = { x: numbers };
  const profile = profileData(data);
  const wrong: Record<string, [call: () => unknown, message: RegExp]> = {
    'alpha 0': [() => compareData(data, data, { alpha: 0 }), /options\.alpha must be more than 0/],
    'alpha NaN': [() => compareData(data, data, { alpha: NaN }), /options\.alpha/],
    'a negative effect': [() => compareData(data, data, { minEffect: -1 }), /options\.minEffect must be at least 0/],
    'an unknown option': [() => compareData(data, data, { method: 'psi' } as never), /unknown options: method/],
    'a prediction that is no column': [() => profileData(data, { prediction: 'y' }), /column 'y'/],
    'a kind that does not exist': [() => profileData(data, { kinds: { x: 'colour' as never } }), /kinds/],
    'columns of different lengths': [() => compareData(data, { x: numbers, y: [1] }), /y has 1 rows/],
    'kinds beside a profile': [() => compareData(profile, data, { kinds: { x: 'category' } }), /decided by profileData/],
    'a profile of another format': [() => compareData({ ...profile, format: 'modelkeep.profile/9' as never }, data), /reads modelkeep\.profile\/1/],
    'a profile in other bins': [() => compareData(profile, profileData({ x: numbers.map((value) => value + 1) })), /same bins/],
    'nothing to merge': [() => mergeProfiles([]), /no profile/],
    'no table': [() => compareData(data, 7 as never), /current is 7/],
  };
  test.each(Object.entries(wrong))('%s is a ValidationError', (_, [call, message]) => {
    let thrown: unknown;
    try {
      call();
    } catch (error) {
      thrown = error;
    }
    expect(isModelkeepError(thrown, 'validation'), String(thrown)).toBe(true);
    expect((thrown as Error).message).toMatch(message);
  });
});

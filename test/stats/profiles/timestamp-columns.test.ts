import { compareData, DriftMonitor, MemoryStorage, mergeProfiles, profileData, type CalendarCounts, type ColumnDrift, type DataProfile } from 'modelkeep';
import { describe, expect, it, test } from 'vitest';
import { Sampler } from '../../monitoring/samples.ts';
import { expectFewAlarms } from './false-alarms.ts';

const seed = 20010517;
const alpha = 0.05;
const hour = 3_600_000;
const day = 24 * hour;
const monday = Date.UTC(2001, 0, 1);

/** Times over so many days, more of them by day than by night, to the minute. */
function times(sampler: Sampler, n: number, { days = 56, from = monday, shift = 0, unit = 60_000 } = {}): Date[] {
  return Array.from({ length: n }, () => {
    const inDay = ((8 + 8 * (sampler.random() + sampler.random()) + shift) % 24) * hour;
    return new Date(Math.floor((from + Math.floor(sampler.random() * days) * day + inDay) / unit) * unit);
  });
}

function only(report: { readonly columns: readonly ColumnDrift[] }): ColumnDrift {
  const [column] = report.columns;
  if (column === undefined) throw new Error('The report has no column.');
  return column;
}

function calendarOf({ columns: [column] }: DataProfile): CalendarCounts {
  if (column?.kind !== 'timestamp' || column.calendar === undefined) throw new Error('The column has no calendar.');
  return column.calendar;
}

describe('a column of points in time', () => {
  it('counts range, hours, weekdays, units, gaps, late and future rows, and what is no time', () => {
    const x = [new Date(monday), '2001-01-01T05:00:00Z', monday + 5 * hour, '2001-01-02T01:30:00Z', monday + 1, null, 'yesterday', NaN, Infinity, monday + 40 * day];
    const profile = profileData({ x }, { kinds: { x: 'timestamp' }, now: monday + 2 * day });
    expect(profile.columns[0]).toMatchObject({ rows: 10, missing: 1, nan: 1, infinite: 1, mistyped: 1 });
    const { hours, weekdays, units, gaps, ...others } = calendarOf(profile);
    expect(others).toMatchObject({ earliest: monday, latest: monday + 40 * day, late: 1, future: 1, distinct: 5 });
    expect(hours.flatMap((rows, i) => (rows > 0 ? [[i, rows]] : []))).toEqual([[0, 3], [1, 1], [5, 2]]);
    expect(weekdays).toEqual([0, 4, 1, 0, 0, 0, 0].map((rows, i) => rows + (i === new Date(monday + 40 * day).getUTCDay() ? 1 : 0)));
    expect(units).toEqual([2, 2, 1, 0, 1]);
    // From Monday to 5:00, from there to itself, to the next day, and to the last one: the late row makes no step.
    expect(gaps.flatMap((rows, i) => (rows > 0 ? [[i, rows]] : []))).toEqual([[0, 1], [1 + Math.floor(Math.log2(5 * hour)), 1], [1 + Math.floor(Math.log2(20.5 * hour)), 1], [1 + Math.floor(Math.log2(40 * day - 25.5 * hour)), 1]]);
  });

  it('before 1970 has the right weekday and hour', () => {
    const { weekdays, hours } = calendarOf(profileData({ x: [new Date('1969-07-20T20:17:40Z')] }));
    expect([weekdays.indexOf(1), hours.indexOf(1)]).toEqual([0, 20]);
  });

  it('is the same in parts, in any order and through JSON, but for the steps between the parts', () => {
    const sampler = new Sampler(seed);
    const before = profileData({ x: times(sampler, 500) }, { now: monday + 80 * day });
    const after = times(sampler, 300).sort((a, b) => a.getTime() - b.getTime());
    const part = (from: number, to: number): DataProfile => profileData({ x: after.slice(from, to) }, { bins: JSON.parse(JSON.stringify(before)), now: monday + 50 * day });
    const parts = [part(0, 120), part(120, 121), part(121, 300)];
    const merged = mergeProfiles(parts);
    expect(mergeProfiles([...parts].reverse())).toEqual(merged);
    expect(mergeProfiles([mergeProfiles(parts.slice(0, 2)), parts[2]!])).toEqual(merged);
    const { gaps, ...whole } = calendarOf(part(0, 300));
    const { gaps: withoutTwo, ...others } = calendarOf(merged);
    expect(others).toEqual(whole);
    const total = (counts: readonly number[]): number => counts.reduce((sum, rows) => sum + rows, 0);
    expect([total(gaps), total(withoutTwo)]).toEqual([299, 297]);
    expect(calendarOf(mergeProfiles([part(0, 10), profileData({ x: after }, { bins: before })])).future).toBe(null);
    expect(() => compareData({ ...before, columns: [{ ...before.columns[0]!, calendar: {} } as never] }, before)).toThrow(/columns\[0\] is not the profile/);
    expect(() => profileData({ x: after }, { now: 'noon' as never })).toThrow(/options\.now/);
  });

  it('of a profile that an older version stored is read, merged and not compared', () => {
    const counts = { rows: 200, missing: 0, nan: 0, infinite: 0, mistyped: 0 };
    const old: DataProfile = { format: 'modelkeep.profile/1', rows: 200, columns: [{ name: 'x', kind: 'timestamp', ...counts }] };
    const current = profileData({ x: times(new Sampler(seed), 200) }, { bins: old });
    expect(current).toEqual({ ...old, columns: [{ name: 'x', kind: 'timestamp', ...counts }] });
    expect(mergeProfiles([old, current])).toMatchObject({ format: 'modelkeep.profile/1', rows: 400 });
    expect(only(compareData(old, current))).toMatchObject({ status: 'insufficient', reason: expect.stringContaining('always move on') });
  });

  const changes: Record<string, [change: (sampler: Sampler) => unknown[], rule: string]> = {
    'eight hours later, as of another zone': [(sampler) => times(sampler, 800, { shift: 8 }), 'hours'],
    'none on weekends': [(sampler) => times(sampler, 1200).filter((time) => time.getUTCDay() % 6 !== 0), 'weekdays'],
    'days in the place of minutes': [(sampler) => times(sampler, 800, { unit: day }), 'hours|precision'],
    'half of them missing': [(sampler) => times(sampler, 800).map((time, i) => (i % 2 === 0 ? time : null)), 'hours|weekdays|precision'],
  };
  test.each(Object.entries(changes))('has drifted when it is %s, from rows and from a profile', (_, [change, rule]) => {
    const sampler = new Sampler(seed + 1);
    const before = { x: times(sampler, 3000) };
    const after = { x: change(sampler) };
    for (const report of [compareData(before, after), compareData(JSON.parse(JSON.stringify(profileData(before))), after)]) {
      expect(only(report)).toMatchObject({ kind: 'timestamp', status: 'drifted', effect: { binRule: expect.stringMatching(rule) } });
      expect(only(report).reason).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  it('is not compared by the hour over less than a week, nor by the weekday over less than four', () => {
    const sampler = new Sampler(seed + 2);
    const before = { x: times(sampler, 2000) };
    const viewsOf = (days: number): string[] => only(compareData(before, { x: times(sampler, 1000, { days, from: monday + 70 * day }) })).tests.map(({ of }) => of);
    expect(viewsOf(3)).toEqual([]);
    expect(viewsOf(14)).toEqual(['hours', 'precision']);
    expect(viewsOf(42)).toEqual(['hours', 'weekdays', 'precision']);
    expect(only(compareData(before, { x: times(sampler, 1000, { days: 3 }) }))).toMatchObject({ status: 'insufficient', reason: expect.stringContaining('span 7 days') });
  });

  it('tells rows from the future where both sides know what time it is', () => {
    const sampler = new Sampler(seed + 3);
    const before = profileData({ x: times(sampler, 1000, { days: 3 }) }, { now: monday + 4 * day });
    const rows = times(sampler, 300, { days: 3 }).map((time, i) => (i % 3 === 0 ? new Date(time.getTime() + 365 * day) : time));
    const report = compareData(before, profileData({ x: rows }, { bins: before, now: monday + 4 * day }));
    expect(only(report)).toMatchObject({ status: 'drifted', effect: { binRule: 'presence' }, tests: [{ of: 'presence' }] });
    expect(only(report).moved[0]).toMatchObject({ bin: 'in the future', reference: 0, current: 1 / 3 });
    expect(only(compareData(before, profileData({ x: rows }, { bins: before }))).moved.map(({ bin }) => bin)).not.toContain('in the future');
  });

  it('comes through a monitor as through profileData', async () => {
    const sampler = new Sampler(seed + 4);
    const reference = profileData({ x: times(sampler, 1000), remark: Array.from({ length: 1000 }, (_, i) => `the ${i} th remark`), vector: Array.from({ length: 1000 }, () => Array.from(sampler.normals(8))) }, { now: monday + 60 * day });
    const rows = Array.from({ length: 400 }, (_, i) => ({ x: times(sampler, 1, { shift: 8 })[0]!.toISOString(), remark: `so many words of remark ${i} and more`, vector: Array.from(sampler.normals(8, 3)) }));
    const storage = new MemoryStorage();
    await using monitor = new DriftMonitor({ storage, name: 'm', reference, window: { rows: 400 } });
    for (const features of rows) monitor.observe({ features });
    const verdict = await monitor.check();
    expect(reference.columns.map(({ kind }) => kind)).toEqual(['timestamp', 'text', 'embedding']);
    const { columns } = compareData(reference, profileData({ x: rows.map(({ x }) => new Date(x)), remark: rows.map(({ remark }) => remark), vector: rows.map(({ vector }) => vector) }, { bins: reference, now: Date.now() }));
    expect(verdict.columns).toEqual(columns);
    expect(verdict.driftedColumns).toEqual(expect.arrayContaining(['x', 'remark', 'vector']));
  });
});

describe('when nothing has changed', () => {
  test.each([
    [50, 50, 300],
    [60, 700, 100],
    [1000, 1000, 60],
  ])('times are significant at most as often as alpha says: %i and %i rows', (n, m, trials) => {
    const sampler = new Sampler(seed + n);
    const draw = (): ColumnDrift => {
      const found = only(compareData({ x: times(sampler, n) }, { x: times(sampler, m) }));
      expect(found.tests.length).toBe(3);
      return found;
    };
    expectFewAlarms(trials, draw, { alpha, seed });
  });

  it('a month and the next, which have other weekdays more often, are not called drifted', () => {
    const sampler = new Sampler(seed + 5);
    const month = (of: number): { x: Date[] } => ({ x: times(sampler, 20_000, { from: Date.UTC(2001, of, 1), days: (Date.UTC(2001, of + 1, 1) - Date.UTC(2001, of, 1)) / day }) });
    for (let of = 2; of < 6; of++) expect(compareData(month(of), month(of + 1)).drifted).toBe(false);
  });
});

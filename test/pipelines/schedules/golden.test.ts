import { describe, expect, it } from 'vitest';
import type { ClockChanges } from '../../../src/pipelines/schedules/clock-changes.ts';
import { cronTimetable } from '../../../src/pipelines/schedules/cron-timetable.ts';
import { calendarTimetable } from '../../../src/pipelines/schedules/every-timetable.ts';
import { latestComplete, type DataInterval } from '../../../src/pipelines/schedules/data-interval.ts';
import { nextInterval } from '../../../src/pipelines/schedules/intervals.ts';
import { TimeZone } from '../../../src/pipelines/schedules/time-zone.ts';
import type { Timetable } from '../../../src/pipelines/schedules/timetable.ts';
import cases from '../../fixtures/schedules.json' with { type: 'json' };

const ms = (text: string): number => Date.parse(text);
const text = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString().replace('.000Z', 'Z'));
const cron = (pattern: string, zone: string, changes: Partial<ClockChanges> = {}): Promise<Timetable> =>
  cronTimetable(pattern, new TimeZone(zone, 'zone'), { gap: 'shift', fold: 'first', ...changes }, 'cron');

function ticks(timetable: Timetable, from: number, count: number): (string | null)[] {
  const found: (string | null)[] = [];
  for (let at: number | undefined = from; found.length < count; ) {
    at = at === undefined ? undefined : timetable.next(at);
    found.push(text(at));
  }
  return found;
}

const shown = (interval: DataInterval | undefined): (string | null)[] => [text(interval?.start), text(interval?.end)].map((at) => at?.replace(':00Z', 'Z') ?? null);

describe('data intervals as Airflow has them', () => {
  it.each(cases.intervals.filter(({ kind }) => kind === 'cron_interval'))('$id', async (row) => {
    const timetable = await cron(row.cron!, row.tz!);
    const [start, end] = (row.last as string[]).map(ms);
    const rules = { timetable, start: ms(row.start!), since: 0, catchup: row.catchup! };
    expect(shown(nextInterval(rules, { start: start!, end: end! }, ms(row.now ?? '2026-01-01T00:00Z')))).toEqual(row.expect_interval);
  });

  it.each(cases.intervals.filter(({ kind }) => kind === 'cron_interval_manual'))('$id', async (row) => {
    expect(shown(latestComplete(await cron(row.cron!, row.tz!), ms(row.run_after!)))).toEqual(row.expect_interval);
  });

  // Airflow takes the second of two equal wall times.
  it.each(cases.intervals.filter(({ kind }) => kind === 'cron_interval_seq'))('$id', async (row) => {
    const timetable = await cron(row.cron!, row.tz!, { fold: 'last' });
    const found: (string | null)[][] = [];
    for (let last: DataInterval | undefined; found.length < row.expect!.length; ) {
      last = nextInterval({ timetable, start: ms(row.start!), since: 0, catchup: true }, last, ms('2026-01-01T00:00Z'));
      found.push(shown(last));
    }
    expect(found).toEqual(row.expect);
  });

  it.each(cases.intervals.filter(({ kind }) => kind === 'delta_months'))('$id', (row) => {
    const start = ms(row.start!);
    const timetable = calendarTimetable({ months: row.months! }, start, new TimeZone('UTC', 'zone'), { gap: 'shift', fold: 'first' });
    expect(shown(nextInterval({ timetable, start, since: start, catchup: false }, undefined, ms(row.now!)))).toEqual(row.expect_interval);
  });

  it.each(cases.intervals.filter(({ kind }) => kind === 'cron_trigger'))('$id', async (row) => {
    const timetable = await cron(row.cron!, row.tz!);
    const last = ms(row.last as string);
    for (const [now, due] of Object.entries(row.by_now!)) {
      const rules = { timetable, start: ms(row.start!), since: 0, catchup: false };
      expect(text(nextInterval(rules, { start: last, end: last }, ms(now))?.end), now).toBe(text(ms(due)));
    }
  });
});

describe('changes of the clocks', () => {
  const policyRow = (id: string): (typeof cases.policies)[number] => cases.policies.find((row) => row.id === id)!;

  it('gap-NY-0230: each policy has its answer', async () => {
    const row = policyRow('gap-NY-0230');
    const [skip, shift, first] = Object.values(row.expect_by_gap_policy!);
    for (const [gap, expected] of [['skip', skip], ['shift', shift], ['first-valid', first]] as const) {
      expect(ticks(await cron(row.cron!, row.tz!, { gap }), ms(row.from!), 1), gap).toEqual([expected]);
    }
  });

  it.each(['fold-hourly-must-repeat', 'troll-2h-gap', 'nuuk-gap-past-midnight', 'santiago-midnight-gap', 'lord-howe-gap-not-lost'])('%s', async (id) => {
    const row = policyRow(id);
    const expected = [row.expect].flat() as string[];
    const wanted = expected.map((at) => text(ms(at)));
    for (const fold of ['first', 'last', 'both'] as const) expect(ticks(await cron(row.cron!, row.tz!, { fold }), ms(row.from!), wanted.length), fold).toEqual(wanted);
  });

  it('apia-lost-day: a date that a zone passes over has no ticks, by any policy', async () => {
    const row = policyRow('apia-lost-day');
    for (const gap of ['shift', 'first-valid', 'skip'] as const) expect(ticks(await cron(row.cron!, row.tz!, { gap }), ms(row.from!), 4), gap).toEqual(row.expect);
  });

  it.each([
    ['argo-gap-la-0200', { gap: 'skip' }],
    ['argo-fold-la-0159', { fold: 'both' }],
  ] as const)('%s: what Argo does is one of the policies', async (id, changes) => {
    const row = policyRow(id);
    const expected = (row.expect as string[]).map((at) => text(ms(at)));
    expect(ticks(await cron(row.cron!, row.tz!, changes), ms((row.expect as string[])[0]!) - 86_400_000 / 2, 3)).toEqual(expected);
  });

  it('never-in-the-past: the next tick is later than any moment that is asked about, around each change of the clocks', async () => {
    for (const [zone, day] of [['America/New_York', '2025-11-02'], ['America/New_York', '2025-03-09'], ['Australia/Lord_Howe', '2025-04-05'], ['Antarctica/Troll', '2026-03-29']] as const) {
      for (const fold of ['first', 'last', 'both'] as const) {
        const timetable = await cron('30 1,2 * * *', zone, { fold });
        for (let at = ms(`${day}T00:00Z`) - 3_600_000 * 6; at < ms(`${day}T23:00Z`); at += 2_700_000) {
          const next = timetable.next(at)!;
          expect(next).toBeGreaterThan(at);
          // Nothing lies in between, and backward one comes to the same.
          expect(timetable.previous(next - 1) ?? 0).toBeLessThanOrEqual(at);
          expect(timetable.previous(next)).toBe(next);
        }
      }
    }
  });

  it('bad-month is refused', async () => {
    await expect(cron(policyRow('bad-month').cron!, 'UTC')).rejects.toMatchObject({ code: 'validation', details: { path: 'cron' } });
  });
});

describe('the libraries of the field', () => {
  const rows = cases.libraries.filter(({ id }) => id !== 'lib-impossible-feb-30');

  it.each(rows)('$id: as croner has it, with gap: first-valid', async ({ cron: pattern, tz, from, croner_11_0_1: expected }) => {
    expect(ticks(await cron(pattern, tz, { gap: 'first-valid' }), ms(from), expected.length)).toEqual(expected);
  });

  // cron-parser loses a day there.
  it.each(rows.filter(({ id }) => id !== 'lib-lord-howe-gap-0-2'))('$id: as cron-parser has it, with gap: shift', async ({ cron: pattern, tz, from, cron_parser_5_10_5: expected }) => {
    expect(ticks(await cron(pattern, tz), ms(from), expected.length)).toEqual(expected);
  });

  it('lib-impossible-feb-30 is refused', async () => {
    await expect(cron('0 0 30 2 *', 'UTC')).rejects.toThrow('never comes');
  });
});

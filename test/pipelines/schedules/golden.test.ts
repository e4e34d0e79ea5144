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

type IntervalCase = (typeof cases.intervals)[number];
type PolicyCase = (typeof cases.policies)[number];

/** By the kind of a case, what of ours is held to it. */
const intervalChecks: Readonly<Record<string, (row: IntervalCase) => void | Promise<void>>> = {
  cron_interval: async (row) => {
    const timetable = await cron(row.cron!, row.tz!);
    const [start, end] = (row.last as string[]).map(ms);
    const rules = { timetable, start: ms(row.start!), since: 0, catchup: row.catchup! };
    expect(shown(nextInterval(rules, { start: start!, end: end! }, ms(row.now ?? '2026-01-01T00:00Z')))).toEqual(row.expect_interval);
  },
  cron_interval_manual: async (row) => expect(shown(latestComplete(await cron(row.cron!, row.tz!), ms(row.run_after!)))).toEqual(row.expect_interval),
  // Airflow takes the second of two equal wall times.
  cron_interval_seq: async (row) => {
    const timetable = await cron(row.cron!, row.tz!, { fold: 'last' });
    const found: (string | null)[][] = [];
    for (let last: DataInterval | undefined; found.length < row.expect!.length; ) {
      last = nextInterval({ timetable, start: ms(row.start!), since: 0, catchup: true }, last, ms('2026-01-01T00:00Z'));
      found.push(shown(last));
    }
    expect(found).toEqual(row.expect);
  },
  delta_months: (row) => {
    const start = ms(row.start!);
    const timetable = calendarTimetable({ months: row.months! }, start, new TimeZone('UTC', 'zone'), { gap: 'shift', fold: 'first' });
    expect(shown(nextInterval({ timetable, start, since: start, catchup: false }, undefined, ms(row.now!)))).toEqual(row.expect_interval);
  },
  cron_trigger: async (row) => {
    const timetable = await cron(row.cron!, row.tz!);
    const last = ms(row.last as string);
    for (const [now, due] of Object.entries(row.by_now!)) {
      const rules = { timetable, start: ms(row.start!), since: 0, catchup: false };
      expect(text(nextInterval(rules, { start: last, end: last }, ms(now))?.end), now).toBe(text(ms(due)));
    }
  },
};

describe('data intervals as Airflow has them', () => {
  it.each(cases.intervals)('$id', async (row) => {
    expect(Object.keys(intervalChecks), 'nothing is held to this case').toContain(row.kind);
    await intervalChecks[row.kind]!(row);
  });
});

async function sameByEachFold(row: PolicyCase): Promise<void> {
  const wanted = ([row.expect].flat() as string[]).map((at) => text(ms(at)));
  for (const fold of ['first', 'last', 'both'] as const) expect(ticks(await cron(row.cron!, row.tz!, { fold }), ms(row.from!), wanted.length), fold).toEqual(wanted);
}

// What Argo does is one of the policies.
const asArgo = (changes: Partial<ClockChanges>) => async (row: PolicyCase): Promise<void> => {
  const expected = (row.expect as string[]).map((at) => text(ms(at)));
  expect(ticks(await cron(row.cron!, row.tz!, changes), ms((row.expect as string[])[0]!) - 86_400_000 / 2, 3)).toEqual(expected);
};

const policyChecks: Readonly<Record<string, (row: PolicyCase) => Promise<void>>> = {
  // Each policy has its answer.
  'gap-NY-0230': async (row) => {
    const [skip, shift, first] = Object.values(row.expect_by_gap_policy!);
    for (const [gap, expected] of [['skip', skip], ['shift', shift], ['first-valid', first]] as const) {
      expect(ticks(await cron(row.cron!, row.tz!, { gap }), ms(row.from!), 1), gap).toEqual([expected]);
    }
  },
  'fold-hourly-must-repeat': sameByEachFold,
  'troll-2h-gap': sameByEachFold,
  'nuuk-gap-past-midnight': sameByEachFold,
  'santiago-midnight-gap': sameByEachFold,
  'lord-howe-gap-not-lost': sameByEachFold,
  // A date that a zone passes over has no ticks, by any policy.
  'apia-lost-day': async (row) => {
    for (const gap of ['shift', 'first-valid', 'skip'] as const) expect(ticks(await cron(row.cron!, row.tz!, { gap }), ms(row.from!), 4), gap).toEqual(row.expect);
  },
  'argo-gap-la-0200': asArgo({ gap: 'skip' }),
  'argo-fold-la-0159': asArgo({ fold: 'both' }),
  // The next tick is later than any moment that is asked about, around each change of the clocks.
  'never-in-the-past': async () => {
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
  },
  'bad-month': async (row) => expect(cron(row.cron!, 'UTC')).rejects.toMatchObject({ code: 'validation', details: { path: 'cron' } }),
};

describe('changes of the clocks', () => {
  it.each(cases.policies)('$id', async (row) => {
    expect(Object.keys(policyChecks), 'nothing is held to this case').toContain(row.id);
    await policyChecks[row.id]!(row);
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

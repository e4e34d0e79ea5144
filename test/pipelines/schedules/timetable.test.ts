import * as fc from 'fast-check';
import { MemoryStorage, Pipeline } from 'modelkeep';
import { describe, expect, it } from 'vitest';
import { cronTimetable } from '../../../src/pipelines/schedules/cron-timetable.ts';
import { calendarTimetable, durationTimetable } from '../../../src/pipelines/schedules/every-timetable.ts';
import { latestComplete } from '../../../src/pipelines/schedules/data-interval.ts';
import { intervalsBetween, jitterOf, nextInterval } from '../../../src/pipelines/schedules/intervals.ts';
import { checkScheduleOptions, timetableOf } from '../../../src/pipelines/schedules/schedule-options.ts';
import { TimeZone } from '../../../src/pipelines/schedules/time-zone.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const zone = (name: string): TimeZone => new TimeZone(name, 'zone');

describe('ticks of a pattern', () => {
  it('are the minutes at which the clocks show it, when nothing is made up for', async () => {
    const changes = [
      ['Europe/Paris', '2026-03-29'], ['Europe/Paris', '2026-10-25'], ['Australia/Lord_Howe', '2026-04-04'], ['Antarctica/Troll', '2026-03-29'], ['America/Santiago', '2026-09-06'], ['Asia/Kathmandu', '2026-01-10'],
    ] as const;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...changes), fc.integer({ min: 0, max: 59 }), fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { minLength: 1, maxLength: 4 }), async ([name, date], at, hours) => {
        const timetable = await cronTimetable(`${at} ${hours.join(',')} * * *`, zone(name), { gap: 'skip', fold: 'both' }, 'cron');
        const [from, to] = [Date.parse(date) - 18 * hour, Date.parse(date) + 30 * hour];
        // Asks the host in another way than the zone does.
        const clock = new Intl.DateTimeFormat('en-GB', { timeZone: name, hour: '2-digit', minute: '2-digit' });
        const wanted: number[] = [];
        const shown = new Set(hours.map((each) => `${String(each).padStart(2, '0')}:${String(at).padStart(2, '0')}`));
        for (let moment = from + minute; moment <= to; moment += minute) if (shown.has(clock.format(moment))) wanted.push(moment);
        const found: number[] = [];
        for (let tick = timetable.next(from); tick !== undefined && tick <= to; tick = timetable.next(tick)) found.push(tick);
        expect(found).toEqual(wanted);
        const backward: number[] = [];
        for (let tick = timetable.previous(to); tick !== undefined && tick > from; tick = timetable.previous(tick - 1)) backward.unshift(tick);
        expect(backward).toEqual(wanted);
      }),
      { seed: 81, numRuns: 25 },
    );
  });

  it('may have seconds, years and nicknames', async () => {
    const next = async (pattern: string, after: string): Promise<string> => new Date((await cronTimetable(pattern, zone('UTC'), { gap: 'shift', fold: 'first' }, 'cron')).next(Date.parse(after))!).toISOString();
    expect(await next('*/20 * * * * *', '2026-01-01T00:00:05Z')).toBe('2026-01-01T00:00:20.000Z');
    expect(await next('@weekly', '2026-01-01T00:00:00Z')).toBe('2026-01-04T00:00:00.000Z');
    expect(await next('0 0 12 1 1 * 2030', '2026-01-01T00:00:00Z')).toBe('2030-01-01T12:00:00.000Z');
  });
});

describe('ticks of steps', () => {
  it('of time that passes do not heed the clocks', () => {
    const timetable = durationTimetable(6 * hour, Date.parse('2026-03-28T01:00Z'));
    expect(timetable.next(Date.parse('2026-03-29T00:00Z'))).toBe(Date.parse('2026-03-29T01:00Z'));
    expect(timetable.previous(Date.parse('2026-03-27T02:00Z'))).toBe(Date.parse('2026-03-27T01:00Z'));
  });

  it('of days keep the time of day, and those of months the day, through changes of both', () => {
    const policy = { gap: 'shift', fold: 'first' } as const;
    const daily = calendarTimetable({ days: 1 }, Date.parse('2026-03-27T01:30Z'), zone('Europe/Paris'), policy);
    const dailyTicks = [...intervalsBetween(daily, Date.parse('2026-03-27T00:00Z'), Date.parse('2026-03-31T00:00Z'))].map(({ end }) => new Date(end).toISOString());
    expect(dailyTicks).toEqual(['2026-03-28T01:30:00.000Z', '2026-03-29T01:30:00.000Z', '2026-03-30T00:30:00.000Z']);
    const monthly = calendarTimetable({ months: 1 }, Date.parse('2026-01-31T12:00Z'), zone('UTC'), policy);
    const monthlyTicks = [...intervalsBetween(monthly, Date.parse('2026-01-01T00:00Z'), Date.parse('2026-06-01T00:00Z'))].map(({ end }) => new Date(end).toISOString().slice(0, 10));
    expect(monthlyTicks).toEqual(['2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31']);
    expect(monthly.previous(Date.parse('2025-12-01T00:00Z'))).toBe(Date.parse('2025-11-30T12:00Z'));
  });
});

describe('intervals', () => {
  const daily = durationTimetable(day, 0);
  const at = (text: string): number => Date.parse(`2026-${text}Z`);
  const rules = { timetable: daily, since: at('03-10T12:00'), catchup: false };

  it('a schedule without a start begins with the interval in which it was made, one with a start at the first tick from there', () => {
    expect(nextInterval(rules, undefined, at('03-10T12:00'))).toEqual({ start: at('03-10T00:00'), end: at('03-11T00:00') });
    expect(nextInterval({ ...rules, start: at('03-12T08:00') }, undefined, at('03-10T12:00'))).toEqual({ start: at('03-13T00:00'), end: at('03-14T00:00') });
  });

  it('after a time in which nothing ran, the latest complete one is next, or with catchup the first that is missing', () => {
    const last = { start: at('03-10T00:00'), end: at('03-11T00:00') };
    expect(nextInterval(rules, last, at('03-20T06:00'))).toEqual({ start: at('03-19T00:00'), end: at('03-20T00:00') });
    expect(nextInterval({ ...rules, catchup: true }, last, at('03-20T06:00'))).toEqual({ start: at('03-11T00:00'), end: at('03-12T00:00') });
  });

  it('go on where they were when the pattern is changed', () => {
    const last = { start: at('03-10T00:00'), end: at('03-11T00:00') };
    expect(nextInterval({ ...rules, timetable: durationTimetable(hour, 0), catchup: true }, last, at('03-11T02:00'))).toEqual({ start: at('03-11T00:00'), end: at('03-11T01:00') });
    const hourly = { start: at('03-11T12:00'), end: at('03-11T13:00') };
    expect(nextInterval({ ...rules, catchup: true }, hourly, at('03-11T14:00'))).toEqual({ start: at('03-11T00:00'), end: at('03-12T00:00') });
  });

  it('end with the end, and go by the clock of today when the last was recorded by one that was ahead', () => {
    expect(nextInterval({ ...rules, end: at('03-10T23:00') }, undefined, at('03-10T12:00'))).toBeUndefined();
    const ahead = { start: Date.parse('2031-01-01T00:00Z'), end: Date.parse('2031-01-02T00:00Z') };
    expect(nextInterval(rules, ahead, at('03-20T06:00'))!.end).toBe(at('03-20T00:00'));
    expect(nextInterval({ ...rules, catchup: true }, ahead, at('03-20T06:00'))!.end).toBe(at('03-20T00:00'));
  });

  it('are delayed by a jitter that is fixed, and a jitter longer than the interval starves none', () => {
    const delays = Array.from({ length: 200 }, (_, i) => jitterOf('nightly', i * day, hour));
    expect(delays).toEqual(Array.from({ length: 200 }, (_, i) => jitterOf('nightly', i * day, hour)));
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThan(hour);
    expect(new Set(delays).size).toBeGreaterThan(190);
    const now = at('03-20T06:00');
    const next = nextInterval({ ...rules, jitterMs: 3 * day }, undefined, now)!;
    expect(next.end + jitterOf('nightly', next.end, 3 * day)).toBeLessThanOrEqual(now);
  });

  it('there is none before the first tick', async () => {
    const once = await cronTimetable('0 0 0 1 1 * 2030', zone('UTC'), { gap: 'shift', fold: 'first' }, 'cron');
    expect(latestComplete(once, at('03-20T06:00'))).toBeUndefined();
    expect(once.next(Date.parse('2031-01-01T00:00Z'))).toBeUndefined();
  });
});

describe('a schedule without a name', () => {
  it('is called by its timing, is refused when there is one like it, and gives its place up with its timing', async () => {
    const pipeline = new Pipeline({ name: 'retrain', storage: new MemoryStorage() });
    pipeline.step('train', {}, () => 'trained');
    const timings = [{ cron: '0 3 * * *' }, { cron: '0 3 * * *', timezone: 'Europe/Paris' }, { every: '6h' }, { every: 60_000 }, { every: { months: 1 }, start: 0 }] as const;
    const names = (await Promise.all(timings.map((timing) => pipeline.schedule(timing)))).map(({ name }) => name);
    expect(names).toEqual(['cron 0 3 * * *', 'cron 0 3 * * * Europe/Paris', 'every 6h', 'every 60000', 'every 1 months']);
    for (const timing of timings) await expect(pipeline.schedule(timing)).rejects.toMatchObject({ code: 'validation', details: { path: 'options.name' } });
    expect((await pipeline.schedule({ ...timings[0], name: 'again' })).name).toBe('again');
    for (const wrong of [undefined, null, 3, {}, { every: null }, { cron: Symbol('x') }, { cron: '@daily', timezone: {} }]) await expect(pipeline.schedule(wrong as never)).rejects.toMatchObject({ code: 'validation' });
  });
});

describe('wrong options', () => {
  const nightly = { name: 'nightly', cron: '0 3 * * *' };
  it.each<[string, object, string]>([
    ['neither cron nor every', { name: 'n' }, 'options.cron'],
    ['both', { ...nightly, every: '1h' }, 'options.every'],
    ['an unknown zone', { ...nightly, timezone: 'Mars/Olympus' }, 'options.timezone'],
    ['an empty zone', { ...nightly, timezone: '' }, 'options.timezone'],
    ['a policy that there is not', { ...nightly, gap: 'later' }, 'options.gap'],
    ['a policy that there is not', { ...nightly, fold: null }, 'options.fold'],
    ['a pattern of words', { ...nightly, cron: 'every day' }, 'options.cron'],
    ['a pattern of one field', { ...nightly, cron: '2026-01-01T00:00:00' }, 'options.cron'],
    ['an empty pattern', { ...nightly, cron: '' }, 'options.cron'],
    ['a pattern out of range', { ...nightly, cron: '61 * * * *' }, 'options.cron'],
    ['a pattern that never comes', { ...nightly, cron: '0 0 31 4 *' }, 'options.cron'],
    ['a pattern that depends on when it is read', { ...nightly, cron: '? 3 * * *' }, 'options.cron'],
    ['a day that no year has', { ...nightly, cron: '0 0 0 30 2 * 2027' }, 'options.cron'],
    ['every nothing', { name: 'n', every: 0 }, 'options.every'],
    ['every NaN', { name: 'n', every: NaN }, 'options.every'],
    ['every half a second', { name: 'n', every: '500ms' }, 'options.every'],
    ['a calendar step without a start', { name: 'n', every: { months: 1 } }, 'options.start'],
    ['a start that is no date', { ...nightly, start: new Date(NaN) }, 'options.start'],
    ['a start that is no day', { ...nightly, start: '2026-02-30' }, 'options.start'],
    ['an end before the start', { ...nightly, start: 2e12, end: 1e12 }, 'options.end'],
    ['an end before the first interval is over', { ...nightly, start: Date.UTC(2026, 0, 1), end: Date.UTC(2026, 0, 2) }, 'options.end'],
    ['a jitter that is negative', { ...nightly, jitter: -1 }, 'options.jitter'],
    ['no runs at all', { ...nightly, maxActiveRuns: 0 }, 'options.maxActiveRuns'],
    ['params that are no function', { ...nightly, params: {} }, 'options.params'],
    ['an empty name', { ...nightly, name: '' }, 'options.name'],
  ])('%s: refused, and the message names the place', async (_, options, path) => {
    const made = async (): Promise<unknown> => timetableOf(checkScheduleOptions(options));
    await expect(made()).rejects.toMatchObject({ code: 'validation', details: { path } });
  });
});

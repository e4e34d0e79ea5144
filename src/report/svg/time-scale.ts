import { linear, niceStep, widened, type ScaleMaker, type Tick } from './scale.ts';
import { isTime, type WallClock } from './wall-time.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const steps = [second, 5 * second, 15 * second, 30 * second, minute, 5 * minute, 15 * minute, 30 * minute, hour, 3 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** A scale of epoch milliseconds with ticks where the clocks of a time zone are round. */
export function temporal(domain: readonly [number, number], clock: WallClock): ScaleMaker {
  const wide = domain[0] === domain[1] ? ([domain[0] - second, domain[1] + second] as const) : widened(domain);
  if (!wide.every(isTime)) return linear(domain);
  return (place) => {
    const scale = linear(wide)(place);
    const most = Math.max(1, Math.floor(Math.abs(place.range[1] - place.range[0]) / place.gap));
    return { ...scale, kind: 'time', ticks: timeTicks(wide, clock, most) };
  };
}

function timeTicks([from, to]: readonly [number, number], clock: WallClock, most: number): Tick[] {
  const start = clock.wallOf(from);
  const end = clock.wallOf(to);
  const step = steps.find((each) => (end - start) / each <= most);
  const walls = end - start < second * most && end - start < 2 * second ? fractions(start, end, most) : step === undefined ? monthStarts(start, end, most) : multiples(start, end, step);
  const label = step === undefined ? monthLabel : (wall: number) => clockLabel(wall, end - start < 2 * second ? 1 : step);
  return walls.flatMap((wall) => {
    const value = clock.instantOf(wall);
    return value < from || value > to ? [] : [{ value, label: label(wall) }];
  });
}

function fractions(start: number, end: number, most: number): number[] {
  return multiples(start, end, Math.max(1, niceStep(start, end, most)));
}

function multiples(start: number, end: number, step: number): number[] {
  // Weeks begin on Mondays: day 4 of the epoch was the first.
  const origin = step === 7 * day ? 4 * day : 0;
  const first = Math.ceil((start - origin) / step);
  const last = Math.floor((end - origin) / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => origin + (first + i) * step);
}

function monthStarts(start: number, end: number, most: number): number[] {
  const monthOf = (wall: number): number => new Date(wall).getUTCFullYear() * 12 + new Date(wall).getUTCMonth();
  const first = monthOf(start);
  const last = monthOf(end);
  const years = niceStep(0, (last - first) / 12, most);
  const step = [1, 2, 3, 6, 12].find((each) => (last - first) / each <= most) ?? 12 * Math.ceil(years);
  return Array.from({ length: Math.floor(last / step) - Math.ceil(first / step) + 1 }, (_, i) => {
    const month = (Math.ceil(first / step) + i) * step;
    // Date.UTC takes years below 100 for 19xx.
    return new Date(0).setUTCFullYear(Math.floor(month / 12), ((month % 12) + 12) % 12, 1);
  });
}

function monthLabel(wall: number): string {
  const date = new Date(wall);
  const year = String(date.getUTCFullYear());
  return date.getUTCMonth() === 0 ? year : `${months[date.getUTCMonth()]} ${year}`;
}

function clockLabel(wall: number, step: number): string {
  const date = new Date(wall);
  const text = date.toISOString();
  if (step < second) return text.slice(-7, -1);
  if (wall % day === 0) return `${months[date.getUTCMonth()]} ${date.getUTCDate()}`;
  return step < minute ? text.slice(-13, -5) : text.slice(-13, -8);
}

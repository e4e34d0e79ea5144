import { hourOf } from './model-inputs.ts';

/** The baseline: how often flights of each hour of the day were late. */
export interface Baseline {
  lateByHour: number[];
}

/** Counts the late flights of each hour. */
export function fitBaseline(departure: ArrayLike<number>, labels: ArrayLike<number>): Baseline {
  // One late flight in five before any is seen, so that an hour without flights has a rate too.
  const flights = new Array<number>(24).fill(5);
  const late = new Array<number>(24).fill(1);
  for (let i = 0; i < departure.length; i++) {
    const hour = Math.floor(hourOf(departure[i]!));
    flights[hour]!++;
    late[hour]! += labels[i]!;
  }
  return { lateByHour: late.map((count, hour) => count / flights[hour]!) };
}

/** The baseline's probability of a delay for each departure. */
export function predictBaseline({ lateByHour }: Baseline, departure: ArrayLike<number>): Float32Array {
  return Float32Array.from(departure, (time) => lateByHour[Math.floor(hourOf(time))]!);
}

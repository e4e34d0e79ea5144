import { Sampler } from '../monitoring/samples.ts';
import { SeededGenerator } from '../../src/stats/seeded-generator.ts';
import { clopperPearsonInterval } from '../../src/stats/tests/clopper-pearson-interval.ts';

/** The level that is put to the proof. */
export const alpha = 0.05;

/** What came true in one trial, by name. */
export type Trial<Name extends string> = () => Readonly<Record<Name, boolean>> | Promise<Readonly<Record<Name, boolean>>>;

/** How often each came true. */
export interface Counted<Name extends string> {
  readonly trials: number;
  readonly hits: Readonly<Record<Name, number>>;
}

/** A sampler with a generator whose period no simulation comes near. */
export function samplerOf(seed: number): Sampler {
  const generator = new SeededGenerator(seed);
  return new Sampler(seed, () => generator.uniform());
}

/** Counts what comes true in so many trials. */
export async function count<Name extends string>(trials: number, trial: Trial<Name>): Promise<Counted<Name>> {
  const hits: Partial<Record<Name, number>> = {};
  for (let i = 0; i < trials; i++) {
    for (const [name, came] of Object.entries(await trial()) as [Name, boolean][]) hits[name] = (hits[name] ?? 0) + Number(came);
  }
  return { trials, hits: hits as Record<Name, number> };
}

/** How false alarms are counted. */
export interface FalseAlarmCount<Name extends string> {
  readonly trials: number;
  readonly seed: number;
  /** Which of the counted rates must not exceed `level`. */
  readonly bounded: readonly NoInfer<Name>[];
  readonly level?: number;
  /** Makes a trial that draws from the sampler. */
  readonly trialOf: (sampler: Sampler) => Trial<Name>;
}

/**
 * Counts trials in which nothing has changed. Of many tests that hold their level exactly, some come out above it by chance: where one surely seems to, ten times as many fresh trials are what counts.
 */
export async function countFalseAlarms<Name extends string>({ trials, seed, bounded, level = alpha, trialOf }: FalseAlarmCount<Name>): Promise<Counted<Name>> {
  const first = await count(trials, trialOf(samplerOf(seed)));
  if (bounded.every((name) => lowerLimit(first, name) <= level)) return first;
  return count(10 * trials, trialOf(samplerOf(seed + 500_000_000)));
}

/** The lower end of the two-sided 99 % interval (Clopper and Pearson) of a rate. */
export function lowerLimit<Name extends string>({ hits, trials }: Counted<Name>, name: Name): number {
  return clopperPearsonInterval(hits[name], trials, 0.005).low;
}

/** A rate as it is printed. */
export function percent<Name extends string>({ hits, trials }: Counted<Name>, name: Name): string {
  return `${Number(((100 * hits[name]) / trials).toFixed(1))} %`;
}

import { readFileSync } from 'node:fs';

/** One expected value of a fixture. */
export interface GoldenCase {
  readonly id: string;
  readonly test: string;
  readonly input: never;
  readonly expected: unknown;
  readonly note?: string;
  readonly rtol: number;
  readonly atol?: number;
}

/** A function of `modelkeep/stats` held to the cases of one golden test. */
export interface GoldenCheck<Input = never> {
  /** The function as it is exported; several checks may name one. */
  readonly name: string;
  /** The `test` of its cases in the fixture. */
  readonly test: string;
  /** What we compute: a number, or as much of the shape of `expected` as this check is about. Numbers are compared within the case's tolerance, all else exactly. */
  actual(input: Input): unknown;
  /** Keys of `expected` that are not compared here, each with the reason. */
  readonly without?: Readonly<Record<string, string>>;
  /** Cases that are left out, by id, each with the reason. */
  readonly skipped?: Readonly<Record<string, string>>;
}

/** A number that was compared. */
export interface Comparison {
  /** `pvalue`, `critical[2]`, or empty where the expected value is itself the number. */
  readonly path: string;
  readonly actual: unknown;
  readonly expected: unknown;
  /** |actual - expected| / |expected|; 0 where both are equal, NaN where a number was not expected or not given. */
  readonly relativeError: number;
  readonly within: boolean;
}

/** Files of expected values: of everything, and of the distributions over a wide grid, with fifty digits. */
export const goldenFixtures = ['statistics', 'distributions'] as const;

export type GoldenFixture = (typeof goldenFixtures)[number];

/** The cases of a fixture. */
export function readCases(fixture: GoldenFixture): readonly GoldenCase[] {
  const file = JSON.parse(readFileSync(new URL(`../../fixtures/${fixture}.json`, import.meta.url), 'utf8')) as { cases: GoldenCase[] };
  return file.cases;
}

/** Compares every number, word and flag of the case with what the check computes. */
export function comparisons(check: GoldenCheck, golden: GoldenCase): Comparison[] {
  const left = new Set(Object.keys(check.without ?? {}));
  const found: Comparison[] = [];
  const walk = (expected: unknown, actual: unknown, path: string): void => {
    if (left.has(path)) return;
    if (typeof expected === 'object' && expected !== null) {
      for (const [key, value] of Object.entries(expected)) {
        const step = Array.isArray(expected) ? `[${key}]` : path === '' ? key : `.${key}`;
        walk(value, (actual as Record<string, unknown> | undefined)?.[key], path + step);
      }
      if (Array.isArray(expected)) {
        const length = (actual as ArrayLike<unknown> | undefined)?.length;
        found.push({ path: `${path}.length`, actual: `length ${length}`, expected: `length ${expected.length}`, relativeError: NaN, within: length === expected.length });
      }
      return;
    }
    found.push({ path, ...compared(numberOf(expected), actual, golden) });
  };
  walk(golden.expected, check.actual(golden.input), '');
  return found;
}

function compared(expected: unknown, actual: unknown, { rtol, atol = 0 }: GoldenCase): Omit<Comparison, 'path'> {
  if (typeof expected !== 'number' || typeof actual !== 'number') return { actual, expected, relativeError: NaN, within: Object.is(expected, actual) };
  if (Object.is(actual, expected) || actual === expected) return { actual, expected, relativeError: 0, within: true };
  const error = Math.abs(actual - expected);
  return { actual, expected, relativeError: error / Math.abs(expected), within: error <= rtol * Math.abs(expected) + atol };
}

/** The fixtures write what JSON has no number for as a text. */
function numberOf(value: unknown): unknown {
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : value;
}

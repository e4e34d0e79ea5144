import { allChecks } from './all-checks.ts';
import { comparisons, goldenFixtures, readCases } from './golden-check.ts';

/** How near a function comes to all the values that are expected of it. */
export interface Accuracy {
  /** The function, and which of its numbers: `studentT.sf`, `ksTest: pvalue`. */
  readonly name: string;
  /** How many numbers were compared. */
  readonly compared: number;
  /** The largest relative error among them; an expected 0 counts with its absolute error. */
  readonly worst: number;
}

/** Measures every function against the fixtures. */
export function measureAccuracy(): Accuracy[] {
  const found = new Map<string, { compared: number; worst: number }>();
  for (const fixture of goldenFixtures) {
    const cases = readCases(fixture);
    for (const check of allChecks[fixture]) {
      for (const golden of cases) {
        if (golden.test !== check.test || check.skipped?.[golden.id] !== undefined) continue;
        for (const { path, actual, expected, relativeError } of comparisons(check, golden)) {
          if (typeof actual !== 'number' || typeof expected !== 'number' || !Number.isFinite(expected)) continue;
          const part = path.replace(/\[\d+\]/g, '');
          const name = part === '' ? check.name : `${check.name}: ${part}`;
          const entry = found.get(name) ?? { compared: 0, worst: 0 };
          const error = expected === 0 ? Math.abs(actual) : relativeError;
          found.set(name, { compared: entry.compared + 1, worst: Math.max(entry.worst, error) });
        }
      }
    }
  }
  return [...found].map(([name, entry]) => ({ name, ...entry })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

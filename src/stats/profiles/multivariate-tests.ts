import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { TableInput } from '../../core/table.ts';
import type { DriftStatus } from './data-drift.ts';

/** What a test of all columns at once says. */
export interface MultivariateDrift {
  /** The verdict. */
  readonly status: DriftStatus;
  /** The verdict in words. */
  readonly summary: string;
  /** How probable so large a difference is when nothing has changed. */
  readonly pValue: number;
}

/** A test of all columns at once, such as `domainClassifier` and `reconstructionTest` of `modelkeep/stats`. */
export type MultivariateTest = (reference: TableInput, current: TableInput, options: { readonly alpha: number }) => MultivariateDrift;

/** Checks that each is a function. */
export function checkMultivariate(tests: unknown): Readonly<Record<string, MultivariateTest>> {
  const known = typeof tests === 'object' && tests !== null && Object.values(tests).every((test) => typeof test === 'function');
  if (known) return tests as Readonly<Record<string, MultivariateTest>>;
  throw new ValidationError(`options.multivariate is ${shown(tests, 60)}; it must be an object of functions by name, such as { domainClassifier } of 'modelkeep/stats'.`, { path: 'options.multivariate' });
}

/** What each of the tests says, at its share of `alpha`, so that the chance of a false alarm by any of them is at most that. */
export function runMultivariate(tests: Readonly<Record<string, MultivariateTest>>, reference: TableInput, current: TableInput, alpha: number): Readonly<Record<string, MultivariateDrift>> {
  const named = Object.entries(tests);
  return Object.fromEntries(named.map(([name, test]) => [name, test(reference, current, { alpha: alpha / named.length })]));
}

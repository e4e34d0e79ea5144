import * as z from 'zod/mini';
import { storedCopy } from '../../core/codec.ts';
import { check } from '../../core/schema.ts';
import { checkTableChecks, type TableChecks } from '../table-checks.ts';
import { factFields, factsOf, type DefinitionFacts } from './definition-facts.ts';
import { checkName } from './definition-name.ts';

/** Checks of rows under a name, as data, which `ingest` applies. Made by {@link checkSuite}. */
export interface CheckSuite extends DefinitionFacts {
  /** Tells it from other definitions. */
  readonly kind: 'check-suite';
  /** Names it in the store. */
  readonly name: string;
  /** What rows must be: those that are not are refused or set aside. */
  readonly errors: TableChecks;
  /** What rows should be: where they are not, `ingest` only tells. */
  readonly warnings: TableChecks;
}

/** How a suite of checks is defined. */
export interface CheckSuiteOptions extends DefinitionFacts {
  /** Letters, digits and `_`, not beginning with a digit and without `__`. */
  readonly name: string;
  /** What rows must be: those that are not are refused or set aside. @default nothing more than that they are rows of the view */
  readonly errors?: TableChecks | undefined;
  /** What rows should be: where they are not, `ingest` only tells. @default nothing */
  readonly warnings?: TableChecks | undefined;
}

const anything = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.unknown());
const optionsSchema = /* @__PURE__ */ z.strictObject({ name: z.string(), errors: anything, warnings: anything, ...factFields });
const suiteSchema = /* @__PURE__ */ z.strictObject({ kind: z.literal('check-suite'), name: z.string(), errors: z.unknown(), warnings: z.unknown(), ...factFields });

/**
 * Defines checks of rows under a name, as plain data: put in force by `apply`, which keeps every version of them, and applied by `ingest` with `{ validate: 'name' }`. A suite belongs to no view; the views that use it
 * must have its columns.
 *
 * Throws `ValidationError` when the name cannot be one or the checks are none.
 *
 * @example
 * ```ts
 * import { checkSuite, FeatureStore, featureView, MemoryStorage } from 'modelkeep';
 *
 * const store = new FeatureStore({ storage: new MemoryStorage() });
 * const delays = featureView({ name: 'delays', entity: ['origin'], timestamp: 'landed', features: { delay: 'float64' } });
 * await store.apply([delays, checkSuite({ name: 'delay_rows', errors: { columns: { delay: { min: -120 } } }, warnings: { columns: { delay: { max: 600 } } } })]);
 *
 * const { rows, checks } = await store.ingest(delays, [{ origin: 'ATL', landed: '2024-05-01T10:00:00Z', delay: 700 }], { validate: 'delay_rows' });
 * console.log(rows, checks?.suite, checks?.outcomes.filter(({ status }) => status === 'failed')); // 1 delay_rows@1 [{ column: 'delay', check: 'max', severity: 'warning', … }]
 * ```
 */
export function checkSuite(options: CheckSuiteOptions): CheckSuite {
  check(optionsSchema, options, 'checkSuite');
  const { name, errors = {}, warnings = {} } = options;
  const defined: CheckSuite = { kind: 'check-suite', name, errors, warnings, ...factsOf(options) };
  checkSuiteData(defined, `checkSuite(${name})`);
  return storedCopy(defined, `checkSuite(${name})`);
}

/** Checks a suite wherever it came from, parsed from JSON for example. */
export function checkSuiteData(given: CheckSuite, path: string): void {
  check(suiteSchema, given, path);
  checkName(given.name, 'a suite of checks', `${path}.name`);
  checkTableChecks(given.errors, `${path}.errors`);
  checkTableChecks(given.warnings, `${path}.warnings`);
}

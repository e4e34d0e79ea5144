import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import type { Attributes } from './assignment.ts';

/** A value of an attribute. */
export type TargetValue = string | number | boolean;

/** What one attribute must satisfy; several tests must all hold. A missing attribute satisfies none of them but `exists: false`, and one of another type than what it is compared with satisfies only `ne` and `notIn`. */
export interface TargetCondition {
  /** Equal to it. @default not tested */
  readonly eq?: TargetValue | undefined;
  /** Another one than it. @default not tested */
  readonly ne?: TargetValue | undefined;
  /** One of them. @default not tested */
  readonly in?: readonly TargetValue[] | undefined;
  /** None of them. @default not tested */
  readonly notIn?: readonly TargetValue[] | undefined;
  /** Greater than it; texts by their UTF-16 code units. @default not tested */
  readonly gt?: string | number | undefined;
  /** Greater than it or equal. @default not tested */
  readonly gte?: string | number | undefined;
  /** Less than it. @default not tested */
  readonly lt?: string | number | undefined;
  /** Less than it or equal. @default not tested */
  readonly lte?: string | number | undefined;
  /** Whether it is there at all. @default not tested */
  readonly exists?: boolean | undefined;
}

/** Conditions by attribute, all of which must hold. */
export type TargetConditions = Readonly<Record<string, TargetCondition>>;

/** Which units a test is for, as data: conditions of which all must hold, or several such groups of which one must. */
export type Targeting = TargetConditions | readonly TargetConditions[];

/** Whether a unit with these attributes is meant. */
export type MatchAttributes = (attributes: Attributes) => boolean;

const value = /* @__PURE__ */ z.union([z.string(), z.number(), z.boolean()]);
const ordered = /* @__PURE__ */ z.optional(z.union([z.string(), z.number()]));
const values = /* @__PURE__ */ z.optional(z.array(value).check(z.minLength(1)));

const conditionSchema = /* @__PURE__ */ z.strictObject({
  eq: z.optional(value),
  ne: z.optional(value),
  in: values,
  notIn: values,
  gt: ordered,
  gte: ordered,
  lt: ordered,
  lte: ordered,
  exists: z.optional(z.boolean()),
});

/** Schema of the conditions of one group. */
export const conditionsSchema: z.ZodMiniType<TargetConditions> = /* @__PURE__ */ z.record(z.string().check(z.minLength(1)), conditionSchema);

/** Refuses a condition that tests nothing, which would stand for a forgotten test. */
export function checkConditions(conditions: TargetConditions, path: string): void {
  for (const [name, condition] of Object.entries(conditions)) {
    if (Object.values(condition).some((operand) => operand !== undefined)) continue;
    throw new ValidationError(`${path}.${name} tests nothing; give one of eq, ne, in, notIn, gt, gte, lt, lte, exists.`, { path: `${path}.${name}` });
  }
}

/** Makes a function of checked conditions. */
export function compileTargeting(targeting: Targeting): MatchAttributes {
  const groups = (Array.isArray(targeting) ? (targeting as readonly TargetConditions[]) : [targeting as TargetConditions]).map(compileGroup);
  return groups.length === 1 ? groups[0]! : (attributes) => groups.some((matches) => matches(attributes));
}

function compileGroup(conditions: TargetConditions): MatchAttributes {
  const parts = Object.entries(conditions).map(([name, condition]) => ({ name, test: compileCondition(condition) }));
  return (attributes) => {
    for (const { name, test } of parts) if (!test(Object.hasOwn(attributes, name) ? attributes[name] : undefined)) return false;
    return true;
  };
}

function compileCondition({ exists, ...tests }: TargetCondition): (given: unknown) => boolean {
  const passes = valueTests(tests);
  return (given) => {
    const present = typeof given === 'string' || typeof given === 'boolean' || (typeof given === 'number' && !Number.isNaN(given));
    if (!present) return exists === false && passes.length === 0;
    if (exists === false) return false;
    for (const test of passes) if (!test(given)) return false;
    return true;
  };
}

function valueTests({ eq, ne, in: list, notIn, gt, gte, lt, lte }: Omit<TargetCondition, 'exists'>): ((given: TargetValue) => boolean)[] {
  const tests: ((given: TargetValue) => boolean)[] = [];
  if (eq !== undefined) tests.push((given) => given === eq);
  if (ne !== undefined) tests.push((given) => given !== ne);
  if (list !== undefined) tests.push(((to) => (given) => to.has(given))(new Set(list)));
  if (notIn !== undefined) tests.push(((to) => (given) => !to.has(given))(new Set(notIn)));
  if (gt !== undefined) tests.push((given) => typeof given === typeof gt && given > gt);
  if (gte !== undefined) tests.push((given) => typeof given === typeof gte && given >= gte);
  if (lt !== undefined) tests.push((given) => typeof given === typeof lt && given < lt);
  if (lte !== undefined) tests.push((given) => typeof given === typeof lte && given <= lte);
  return tests;
}

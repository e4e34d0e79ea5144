import type { DatasetField, NumberAttribute, TextAttribute, WordAttribute } from './run-attributes.ts';

/** One question to values that are equal or not, such as a status. */
export type EqualityTest<T> =
  | { readonly eq: T }
  | { readonly ne: T }
  | { readonly in: readonly T[] }
  | { readonly notIn: readonly T[] }
  | { readonly exists: boolean };

/** One question to values that have an order. */
export type OrderTest<T> =
  | EqualityTest<T>
  | { readonly gt: T }
  | { readonly gte: T }
  | { readonly lt: T }
  | { readonly lte: T }
  | { readonly between: readonly [low: T, high: T] };

/** One question to a text by a pattern: `%` stands for any characters, `_` for one, everything else for itself; `ilike` takes upper and lower case for the same. */
export type PatternTest = { readonly like: string } | { readonly notLike: string } | { readonly ilike: string } | { readonly notIlike: string };

/** What the latest value of a metric must be. `'NaN'`, `'Infinity'` and `'-Infinity'` stand for the numbers that JSON lacks. */
export type MetricCondition = { readonly metric: string } & OrderTest<number | NonFiniteText>;

/** The numbers that JSON lacks, as texts. */
export type NonFiniteText = 'NaN' | 'Infinity' | '-Infinity';

/** What a param must be, as text: numbers and booleans as JavaScript prints them, lists and objects as JSON with sorted keys. */
export type ParamCondition = { readonly param: string } & (OrderTest<string> | PatternTest);

/** What a tag must be. */
export type TagCondition = { readonly tag: string } & (OrderTest<string> | PatternTest);

/** What a field of the run itself must be; times are epoch milliseconds, the duration milliseconds. */
export type AttributeCondition =
  | ({ readonly attribute: NumberAttribute } & OrderTest<number | NonFiniteText>)
  | ({ readonly attribute: TextAttribute } & (OrderTest<string> | PatternTest))
  | ({ readonly attribute: WordAttribute } & (EqualityTest<string> | PatternTest));

/** What one of the datasets of a run must be; another condition may be met by another dataset. */
export type DatasetCondition = { readonly dataset: DatasetField } & (OrderTest<string> | PatternTest);

/** One question to a run: what is asked about, and one test. */
export type RunCondition = MetricCondition | ParamCondition | TagCondition | AttributeCondition | DatasetCondition;

/**
 * Which runs are meant, as plain data: a condition, or conditions joined by `and`, `or` and `not`. An empty `and` matches every run, an empty `or` none.
 *
 * A run that lacks what a condition asks about does not meet it, whatever the test, `ne`, `notIn` and `notLike` included (as in MLflow); only `{ exists: false }` is met by it. A filter either matches or not, so `not` matches
 * exactly the other runs: `{ not: { tag: 'team', eq: 'a' } }` also those without the tag, `{ tag: 'team', ne: 'a' }` only those with another. NaN meets `ne`, `notIn` and `{ exists: true }` alone, as in IEEE 754.
 */
export type RunFilter = RunCondition | { readonly and: readonly RunFilter[] } | { readonly or: readonly RunFilter[] } | { readonly not: RunFilter };

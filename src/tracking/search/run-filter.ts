import type { DatasetField, NumberAttribute, TextAttribute, WordAttribute } from './run-attributes.ts';

/** One question to values that are equal or not, such as a status. */
export type EqualityTest<T> =
  | {
      /** The value is this one. */
      readonly eq: T;
    }
  | {
      /** The value is another one. */
      readonly ne: T;
    }
  | {
      /** The value is one of these. */
      readonly in: readonly T[];
    }
  | {
      /** The value is none of these. */
      readonly notIn: readonly T[];
    }
  | {
      /** Whether there is a value at all. */
      readonly exists: boolean;
    };

/** One question to values that have an order. */
export type OrderTest<T> =
  | EqualityTest<T>
  | {
      /** The value is above this. */
      readonly gt: T;
    }
  | {
      /** The value is at least this. */
      readonly gte: T;
    }
  | {
      /** The value is below this. */
      readonly lt: T;
    }
  | {
      /** The value is at most this. */
      readonly lte: T;
    }
  | {
      /** The value is between these, both included. */
      readonly between: readonly [low: T, high: T];
    };

/** One question to a text by a pattern: `%` stands for any characters, `_` for one, everything else for itself; `ilike` takes upper and lower case for the same. */
export type PatternTest =
  | {
      /** The text is of this pattern. */
      readonly like: string;
    }
  | {
      /** The text is not of this pattern. */
      readonly notLike: string;
    }
  | {
      /** The text is of this pattern, in any case. */
      readonly ilike: string;
    }
  | {
      /** The text is not of this pattern, in any case. */
      readonly notIlike: string;
    };

/** What the latest value of a metric must be. `'NaN'`, `'Infinity'` and `'-Infinity'` stand for the numbers that JSON lacks. */
export type MetricCondition = {
  /** The name of the metric. */
  readonly metric: string;
} & OrderTest<number | NonFiniteText>;

/** The numbers that JSON lacks, as texts. */
export type NonFiniteText = 'NaN' | 'Infinity' | '-Infinity';

/** What a param must be, as text: numbers and booleans as JavaScript prints them, lists and objects as JSON with sorted keys. */
export type ParamCondition = {
  /** The name of the param. */
  readonly param: string;
} & (OrderTest<string> | PatternTest);

/** What a tag must be. */
export type TagCondition = {
  /** The name of the tag. */
  readonly tag: string;
} & (OrderTest<string> | PatternTest);

/** What a field of the run itself must be; times are epoch milliseconds, the duration milliseconds. */
export type AttributeCondition =
  | ({
      /** Which field of the run. */
      readonly attribute: NumberAttribute;
    } & OrderTest<number | NonFiniteText>)
  | ({
      /** Which field of the run. */
      readonly attribute: TextAttribute;
    } & (OrderTest<string> | PatternTest))
  | ({
      /** Which field of the run. */
      readonly attribute: WordAttribute;
    } & (EqualityTest<string> | PatternTest));

/** What one of the datasets of a run must be; another condition may be met by another dataset. */
export type DatasetCondition = {
  /** Which field of the dataset. */
  readonly dataset: DatasetField;
} & (OrderTest<string> | PatternTest);

/** One question to a run: what is asked about, and one test. */
export type RunCondition = MetricCondition | ParamCondition | TagCondition | AttributeCondition | DatasetCondition;

/**
 * Which runs are meant, as plain data: a condition, or conditions joined by `and`, `or` and `not`. An empty `and` matches every run, an empty `or` none.
 *
 * A run that lacks what a condition asks about does not meet it, whatever the test, `ne`, `notIn` and `notLike` included (as in MLflow); only `{ exists: false }` is met by it. A filter either matches or not, so `not` matches
 * exactly the other runs: `{ not: { tag: 'team', eq: 'a' } }` also those without the tag, `{ tag: 'team', ne: 'a' }` only those with another. NaN meets `ne`, `notIn` and `{ exists: true }` alone, as in IEEE 754.
 */
export type RunFilter =
  | RunCondition
  | {
      /** All of these match. */
      readonly and: readonly RunFilter[];
    }
  | {
      /** At least one of these matches. */
      readonly or: readonly RunFilter[];
    }
  | {
      /** This one does not match. */
      readonly not: RunFilter;
    };

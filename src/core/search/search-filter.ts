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

/** The numbers that JSON lacks, as texts. */
export type NonFiniteText = 'NaN' | 'Infinity' | '-Infinity';

/**
 * Which items are meant, as plain data: a condition, or conditions joined by `and`, `or` and `not`. An empty `and` matches every item, an empty `or` none.
 *
 * An item that lacks what a condition asks about does not meet it, whatever the test, `ne`, `notIn` and `notLike` included (as in MLflow); only `{ exists: false }` is met by it. A filter either matches or not, so `not` matches
 * exactly the other items: `{ not: { tag: 'team', eq: 'a' } }` also those without the tag, `{ tag: 'team', ne: 'a' }` only those with another. NaN meets `ne`, `notIn` and `{ exists: true }` alone, as in IEEE 754.
 */
export type SearchFilter<Condition> =
  | Condition
  | {
      /** All of these match. */
      readonly and: readonly SearchFilter<Condition>[];
    }
  | {
      /** At least one of these matches. */
      readonly or: readonly SearchFilter<Condition>[];
    }
  | {
      /** This one does not match. */
      readonly not: SearchFilter<Condition>;
    };

/** One question to an item: a subject with a name, and one test. */
export type AnyCondition = Readonly<Record<string, unknown>>;

/** A filter of some domain, of which only its vocabulary knows more. */
export type AnyFilter = SearchFilter<AnyCondition>;

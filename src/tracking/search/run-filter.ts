import type { EqualityTest, NonFiniteText, OrderTest, PatternTest, SearchFilter } from '../../core/search/search-filter.ts';
import type { DatasetField, NumberAttribute, TextAttribute, WordAttribute } from './run-attributes.ts';

/** What the latest value of a metric must be. `'NaN'`, `'Infinity'` and `'-Infinity'` stand for the numbers that JSON lacks. */
export type MetricCondition = {
  /** The name of the metric. */
  readonly metric: string;
} & OrderTest<number | NonFiniteText>;

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

/** Which runs are meant, as plain data: a condition, or conditions joined by `and`, `or` and `not`. An empty `and` matches every run, an empty `or` none; a run that lacks what a condition asks about does not meet it. */
export type RunFilter = SearchFilter<RunCondition>;

import type { EqualityTest, NonFiniteText, OrderTest, PatternTest, SearchFilter } from '../../core/search/search-filter.ts';
import type { SortDirection } from '../../core/search/search-vocabulary.ts';
import type { VersionAttribute, VersionDatasetField, VersionFileField, VersionNumberAttribute, VersionTextAttribute, VersionWordAttribute } from './version-attributes.ts';

/** What a metric that a version was registered with must be. */
export type VersionMetricCondition = {
  /** The name of the metric. */
  readonly metric: string;
} & OrderTest<number | NonFiniteText>;

/** What a tag of a version must be. */
export type VersionTagCondition = {
  /** The name of the tag. */
  readonly tag: string;
} & (OrderTest<string> | PatternTest);

/** What a field of the version itself must be; times are epoch milliseconds, sizes bytes. */
export type VersionAttributeCondition =
  | ({
      /** Which field of the version. */
      readonly attribute: VersionNumberAttribute;
    } & OrderTest<number | NonFiniteText>)
  | ({
      /** Which field of the version. */
      readonly attribute: VersionTextAttribute;
    } & (OrderTest<string> | PatternTest))
  | ({
      /** Which field of the version. */
      readonly attribute: VersionWordAttribute;
    } & (EqualityTest<string> | PatternTest));

/** What one of the datasets that a version was registered with must be; another condition may be met by another dataset. */
export type VersionDatasetCondition = {
  /** Which field of the dataset. */
  readonly dataset: VersionDatasetField;
} & (OrderTest<string> | PatternTest);

/** What one of the files of a version must be; another condition may be met by another file. */
export type VersionFileCondition = {
  /** Which field of the file. */
  readonly file: VersionFileField;
} & (OrderTest<string> | PatternTest);

/** One question to a version: what is asked about, and one test. */
export type VersionCondition = VersionMetricCondition | VersionTagCondition | VersionAttributeCondition | VersionDatasetCondition | VersionFileCondition;

/** Which versions are meant, as plain data: a condition, or conditions joined by `and`, `or` and `not`, as with runs. */
export type VersionFilter = SearchFilter<VersionCondition>;

/** One key that versions are sorted by. Descending turns numbers and texts around; NaN, and behind it versions that lack the key, come last either way. */
export type VersionOrder = (
  | {
      /** The name of the metric. */
      readonly metric: string;
    }
  | {
      /** The name of the tag. */
      readonly tag: string;
    }
  | {
      /** Which field of the version; a version may have several aliases, so none sorts by them. */
      readonly attribute: Exclude<VersionAttribute, 'alias'>;
    }
) & {
  /** @default 'asc' */
  readonly direction?: SortDirection | undefined;
};

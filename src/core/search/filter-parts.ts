import type { AnyCondition, AnyFilter } from './search-filter.ts';
import type { SearchVocabulary } from './search-vocabulary.ts';

/** The two halves of a condition. */
export interface ConditionParts {
  readonly subject: string;
  readonly name: string;
  readonly test: string;
  readonly value: unknown;
}

/** What a checked filter is made of. */
export type FilterParts =
  | { readonly joint: 'and' | 'or'; readonly parts: readonly AnyFilter[] }
  | { readonly joint: 'not'; readonly part: AnyFilter }
  | ({ readonly joint: undefined } & ConditionParts);

/** Takes a checked filter apart. */
export function filterParts<T>({ subjects }: SearchVocabulary<T>, filter: AnyFilter): FilterParts {
  const fields = filter as AnyCondition;
  if (fields['not'] !== undefined) return { joint: 'not', part: fields['not'] as AnyFilter };
  if (fields['and'] !== undefined) return { joint: 'and', parts: fields['and'] as readonly AnyFilter[] };
  if (fields['or'] !== undefined) return { joint: 'or', parts: fields['or'] as readonly AnyFilter[] };
  const keys = Object.keys(fields);
  const subject = keys.find((key) => Object.hasOwn(subjects, key))!;
  const test = keys.find((key) => key !== subject)!;
  return { joint: undefined, subject, name: fields[subject] as string, test, value: fields[test] };
}

/** Whether a filter asks about a subject anywhere; what it does not ask about need not be read. */
export function asksAbout<T>(vocabulary: SearchVocabulary<T>, filter: AnyFilter, subject: string): boolean {
  return namesAsked(vocabulary, filter, subject).length > 0;
}

/** The filters that all have to match, so that the filter does. */
export function conjuncts<T>(vocabulary: SearchVocabulary<T>, filter: AnyFilter): readonly AnyFilter[] {
  const parts = filterParts(vocabulary, filter);
  return parts.joint === 'and' ? parts.parts.flatMap((part) => conjuncts(vocabulary, part)) : [filter];
}

/** The names that a filter asks about of a subject. */
export function namesAsked<T>(vocabulary: SearchVocabulary<T>, filter: AnyFilter, subject: string): readonly string[] {
  const parts = filterParts(vocabulary, filter);
  if (parts.joint === 'not') return namesAsked(vocabulary, parts.part, subject);
  if (parts.joint === undefined) return parts.subject === subject ? [parts.name] : [];
  return parts.parts.flatMap((part) => namesAsked(vocabulary, part, subject));
}

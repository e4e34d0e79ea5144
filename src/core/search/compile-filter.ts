import { filterParts, type ConditionParts } from './filter-parts.ts';
import type { AnyFilter } from './search-filter.ts';
import { fieldOf, type SearchVocabulary } from './search-vocabulary.ts';
import { compilePattern } from './text-pattern.ts';

type Match<T> = (item: T) => boolean;

/**
 * Makes a function of a filter as `checkFilter` or `parseFilter` give it, that tells whether an item matches; what a filter means is told with `SearchFilter`. Numbers compare as IEEE 754 has it, texts by their UTF-16 code units.
 * A condition on what items have many of is met when one of them meets it; so `ne` means that some dataset is another one, and `not` of `eq` that none is this one.
 */
export function compileFilter<T>(vocabulary: SearchVocabulary<T>, filter: AnyFilter): Match<T> {
  const parts = filterParts(vocabulary, filter);
  if (parts.joint === undefined) return compileCondition(vocabulary, parts);
  if (parts.joint === 'not') {
    const match = compileFilter(vocabulary, parts.part);
    return (item) => !match(item);
  }
  const matches = parts.parts.map((part) => compileFilter(vocabulary, part));
  return parts.joint === 'and' ? everyOf(matches) : someOf(matches);
}

function everyOf<T>(matches: readonly Match<T>[]): Match<T> {
  const [first, second] = matches;
  if (matches.length === 2) return (item) => first!(item) && second!(item);
  return (item) => {
    for (const match of matches) if (!match(item)) return false;
    return true;
  };
}

function someOf<T>(matches: readonly Match<T>[]): Match<T> {
  const [first, second] = matches;
  if (matches.length === 2) return (item) => first!(item) || second!(item);
  return (item) => {
    for (const match of matches) if (match(item)) return true;
    return false;
  };
}

function compileCondition<T>(vocabulary: SearchVocabulary<T>, { subject, name, test, value }: ConditionParts): Match<T> {
  const field = fieldOf(vocabulary, subject, name);
  if ('some' in field) {
    const { some } = field;
    if (test === 'exists') return (item) => some(item, () => true) === value;
    const passes = textTest(test, value);
    return (item) => some(item, passes);
  }
  const { read, operand } = field;
  if (operand.kind === 'number') return reading(read as (item: T) => number | undefined, test, value, numberTest);
  // Words have no case: status LIKE 'FIN%' is what people of MLflow write.
  return reading(read as (item: T) => string | undefined, operand.kind === 'word' ? withoutCase(test) : test, value, textTest);
}

function withoutCase(test: string): string {
  return test === 'like' ? 'ilike' : test === 'notLike' ? 'notIlike' : test;
}

function reading<T, V>(read: (item: T) => V | undefined, test: string, value: unknown, compile: (test: string, value: unknown) => (value: V) => boolean): Match<T> {
  if (test === 'exists') return value === true ? (item) => read(item) !== undefined : (item) => read(item) === undefined;
  const passes = compile(test, value);
  return (item) => {
    const has = read(item);
    return has !== undefined && passes(has);
  };
}

function numberTest(test: string, value: unknown): (value: number) => boolean {
  const numbers = (Array.isArray(value) ? value : [value]).map(Number);
  // NaN is in no list, though a Set would find it.
  if (test === 'in' || test === 'notIn') return listTest(test, numbers.filter((each) => !Number.isNaN(each)));
  return comparison(test, numbers);
}

function textTest(test: string, value: unknown): (value: string) => boolean {
  const texts = (Array.isArray(value) ? value : [value]) as string[];
  if (test === 'in' || test === 'notIn') return listTest(test, texts);
  if (!test.toLowerCase().endsWith('like')) return comparison(test, texts);
  const insensitive = test === 'ilike' || test === 'notIlike';
  const matches = compilePattern(insensitive ? texts[0]!.toLowerCase() : texts[0]!);
  const alike = insensitive ? (text: string): boolean => matches(text.toLowerCase()) : matches;
  return test.startsWith('not') ? (text) => !alike(text) : alike;
}

function listTest<T>(test: 'in' | 'notIn', values: readonly T[]): (value: T) => boolean {
  const list = new Set(values);
  return test === 'in' ? (value) => list.has(value) : (value) => !list.has(value);
}

function comparison<T extends number | string>(test: string, values: readonly T[]): (value: T) => boolean {
  const to = values[0]!;
  const high = values[1]!;
  switch (test) {
    case 'eq':
      return (value) => value === to;
    case 'ne':
      return (value) => value !== to;
    case 'gt':
      return (value) => value > to;
    case 'gte':
      return (value) => value >= to;
    case 'lt':
      return (value) => value < to;
    case 'lte':
      return (value) => value <= to;
    default:
      return (value) => value >= to && value <= high;
  }
}

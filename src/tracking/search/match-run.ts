import { conditionParts } from './condition-parts.ts';
import { runAttributes, type DatasetField, type RunAttribute } from './run-attributes.ts';
import type { RunCondition, RunFilter } from './run-filter.ts';
import type { SearchableRun } from './searchable-run.ts';
import { numberReader, textReader } from './subject-value.ts';
import { compilePattern } from './text-pattern.ts';

type Match = (run: SearchableRun) => boolean;

/**
 * Makes a function of a filter as `checkFilter` or `parseFilter` give it, that tells whether a run matches; what a filter means is told with {@link RunFilter}. Numbers compare as IEEE 754 has it, texts by their UTF-16 code units.
 * A dataset condition is met when one of the run's datasets meets it; so `ne` means that some dataset is another one, and `not` of `eq` that none is this one.
 */
export function compileFilter(filter: RunFilter): (run: SearchableRun) => boolean {
  if ('not' in filter) {
    const match = compileFilter(filter.not);
    return (run) => !match(run);
  }
  if ('and' in filter) return everyOf(filter.and.map(compileFilter));
  if ('or' in filter) return someOf(filter.or.map(compileFilter));
  return compileCondition(filter);
}

function everyOf(matches: readonly Match[]): Match {
  const [first, second] = matches;
  if (matches.length === 2) return (run) => first!(run) && second!(run);
  return (run) => {
    for (const match of matches) if (!match(run)) return false;
    return true;
  };
}

function someOf(matches: readonly Match[]): Match {
  const [first, second] = matches;
  if (matches.length === 2) return (run) => first!(run) || second!(run);
  return (run) => {
    for (const match of matches) if (match(run)) return true;
    return false;
  };
}

function compileCondition(condition: RunCondition): Match {
  const { subject, name, test, value } = conditionParts(condition);
  if (subject === 'dataset') {
    if (test === 'exists') return ({ datasets = [] }) => datasets.length > 0 === value;
    const passes = textTest(test, value);
    return ({ datasets = [] }) => datasets.some((dataset) => passes(dataset[name as DatasetField]));
  }
  const readNumber = numberReader(subject, name);
  if (readNumber !== undefined) return reading(readNumber, test, value, numberTest);
  const isWord = subject === 'attribute' && runAttributes[name as RunAttribute].kind === 'word';
  // Words have no case: status LIKE 'FIN%' is what people of MLflow write.
  return reading(textReader(subject as 'param' | 'tag' | 'attribute', name), isWord ? withoutCase(test) : test, value, textTest);
}

function withoutCase(test: string): string {
  return test === 'like' ? 'ilike' : test === 'notLike' ? 'notIlike' : test;
}

function reading<T>(read: (run: SearchableRun) => T | undefined, test: string, value: unknown, compile: (test: string, value: unknown) => (value: T) => boolean): Match {
  if (test === 'exists') return value === true ? (run) => read(run) !== undefined : (run) => read(run) === undefined;
  const passes = compile(test, value);
  return (run) => {
    const has = read(run);
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

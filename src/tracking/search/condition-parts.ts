import type { Subject } from './check-filter.ts';
import type { RunCondition, RunFilter } from './run-filter.ts';

/** The two halves of a condition. */
export interface ConditionParts {
  readonly subject: Subject;
  readonly name: string;
  readonly test: string;
  readonly value: unknown;
}

const subjects: readonly Subject[] = ['metric', 'param', 'tag', 'attribute', 'dataset'];

/** What a checked condition asks about, and what it asks. */
export function conditionParts(condition: RunCondition): ConditionParts {
  const fields = condition as unknown as Readonly<Record<string, unknown>>;
  const subject = subjects.find((each) => fields[each] !== undefined)!;
  const test = Object.keys(fields).find((key) => key !== subject && fields[key] !== undefined)!;
  return { subject, name: fields[subject] as string, test, value: fields[test] };
}

/** Whether a filter asks about datasets anywhere, which need not be read for one that does not. */
export function asksAboutDatasets(filter: RunFilter): boolean {
  if ('not' in filter) return asksAboutDatasets(filter.not);
  if ('and' in filter) return filter.and.some(asksAboutDatasets);
  if ('or' in filter) return filter.or.some(asksAboutDatasets);
  return 'dataset' in filter;
}

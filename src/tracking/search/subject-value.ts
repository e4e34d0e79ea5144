import { canonicalJson, type Encodable } from '../../core/codec.ts';
import type { Subject } from './check-filter.ts';
import { runAttributes, type RunAttribute } from './run-attributes.ts';
import type { SearchableRun } from './searchable-run.ts';

/** Reads what is asked about from a run; `undefined` when the run lacks it. */
export type ReadNumber = (run: SearchableRun) => number | undefined;

/** Reads what is asked about from a run, as text; `undefined` when the run lacks it. */
export type ReadText = (run: SearchableRun) => string | undefined;

/** How a number is read, or `undefined` when it is a text that is asked about. */
export function numberReader(subject: Subject, name: string): ReadNumber | undefined {
  if (subject === 'metric') return (run) => (Object.hasOwn(run.metrics, name) ? run.metrics[name]!.value : undefined);
  const attribute = subject === 'attribute' ? runAttributes[name as RunAttribute] : undefined;
  return attribute?.kind === 'number' ? attribute.of : undefined;
}

/** How the text of a param, a tag or an attribute is read. */
export function textReader(subject: Exclude<Subject, 'metric' | 'dataset'>, name: string): ReadText {
  if (subject === 'tag') return (run) => (Object.hasOwn(run.tags, name) ? run.tags[name] : undefined);
  if (subject === 'param') return (run) => (Object.hasOwn(run.params, name) ? paramText(run.params[name]) : undefined);
  return runAttributes[name as RunAttribute].of as ReadText;
}

/** A param as it is compared: a text by itself, numbers, bigints, booleans and null as JavaScript prints them, dates in ISO 8601, everything else as canonical JSON. */
function paramText(value: Encodable | undefined): string | undefined {
  switch (typeof value) {
    case 'undefined':
    case 'string':
      return value;
    case 'object':
      if (value === null) return 'null';
      return value instanceof Date ? value.toISOString() : canonicalJson(value);
    default:
      return String(value);
  }
}

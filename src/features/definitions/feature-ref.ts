import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { FeatureInput } from './feature-input.ts';

/** Features of one view, asked for in another way than by their plain names. */
export interface FeatureSelection {
  /** The view: its name, or `name@version`. */
  readonly view: string;
  /** Which of its features. @default all */
  readonly features?: readonly string[] | undefined;
  /** What the view is called in columns (`as__feature`) and reports, so that one view may be asked for twice; it always stands before the features' names. @default the view's name */
  readonly as?: string | undefined;
  /** Which columns hold its key, or what it takes from the request, where they are named otherwise: `{ origin: 'destination' }` finds the entity `origin` by `destination`. @default those of the same names */
  readonly keys?: Readonly<Record<string, string>> | undefined;
}

/** What names features: `view:feature`, `view:*`, `view@version:feature`, a feature that a view points at, or a selection. */
export type FeatureRef = string | FeatureSelection | FeatureInput;

/** A reference, taken apart. */
export interface ParsedRef {
  readonly view: string;
  /** Absent for the version in force. */
  readonly version: string | undefined;
  /** Names as asked for, `*` for all. */
  readonly features: readonly string[];
  readonly as: string | undefined;
  readonly keys: Readonly<Record<string, string>>;
}

const refPattern = /^([A-Za-z_][A-Za-z0-9_]*(?:@[A-Za-z0-9._-]+)?):([A-Za-z_][A-Za-z0-9_]*|\*)$/;
const viewPattern = /^([A-Za-z_][A-Za-z0-9_]*)(?:@([A-Za-z0-9._-]+))?$/;
const word = /* @__PURE__ */ z.string().check(z.minLength(1));
const selectionSchema = /* @__PURE__ */ z.strictObject({
  view: z.string(),
  features: z.optional(z.array(word).check(z.minLength(1))),
  as: z.optional(z.string().check(z.regex(/^[A-Za-z_](?:_?[A-Za-z0-9])*_?$/, 'must be letters, digits and _, beginning with no digit and without __'))),
  keys: z.optional(z.record(word, word)),
});

/** A name with or without a version: `airport_delays`, `airport_delays@2`. Throws `ValidationError` when it is neither. */
export function parseVersionedName(text: string, path: string): { name: string; version: string | undefined } {
  const match = typeof text === 'string' ? viewPattern.exec(text) : null;
  if (match === null) throw new ValidationError(`${path} is ${shown(text, 80)}; give a name such as airport_delays, or one with a version such as airport_delays@2.`, { path });
  return { name: match[1]!, version: match[2] === 'latest' ? undefined : match[2] };
}

/** A reference as a service keeps it: what a view points at as text. */
export function featureRef(ref: FeatureRef, path: string): string | FeatureSelection {
  if (typeof ref === 'object' && ref !== null && 'kind' in ref) return `${ref.view}:${ref.feature}`;
  parseRef(ref, path);
  return ref;
}

/** Takes a reference apart. Throws `ValidationError` when it cannot be one. */
export function parseRef(ref: FeatureRef, path: string): ParsedRef {
  if (typeof ref === 'object' && ref !== null && !('kind' in ref)) {
    const { view, features, as, keys } = check(selectionSchema, ref, path) as FeatureSelection;
    const { name, version } = parseVersionedName(view, `${path}.view`);
    return { view: name, version, features: features ?? ['*'], as, keys: keys ?? {} };
  }
  const text: unknown = typeof ref === 'object' && ref !== null ? `${ref.view}:${ref.feature}` : ref;
  const match = typeof text === 'string' ? refPattern.exec(text) : null;
  if (match === null) throw new ValidationError(`${path} is ${shown(text, 80)}; name a feature as 'view:feature', or all of a view as 'view:*'.`, { path });
  const { name, version } = parseVersionedName(match[1]!, path);
  return { view: name, version, features: [match[2]!], as: undefined, keys: {} };
}

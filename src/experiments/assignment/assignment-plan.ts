import { bucketOf } from '../../core/bucket.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { ExperimentDefinition } from '../experiment-definition.ts';
import type { Assigned, AssignedReason, Assignment, Attributes, Unassigned, UnassignedReason } from './assignment.ts';
import { growthbookHash, growthbookNamespace, growthbookRanges } from './growthbook.ts';
import { compileTargeting } from './targeting.ts';
import { rangeOf, variantRanges } from './variant-ranges.ts';

/** What assignment goes by. */
export interface AssignmentParts {
  readonly definition: ExperimentDefinition;
  /** The variants that units were told by name. */
  readonly overrides: ReadonlyMap<string, string>;
  /** Set once the test was stopped: the variant that everybody has now, or nothing. */
  readonly stopped?: { readonly ship?: string | undefined } | undefined;
}

const none: Attributes = {};

/** Divides units among the variants of a test. Pure: the same unit and attributes have the same assignment in every process; nothing is made anew for each call. */
export class AssignmentPlan {
  readonly definition: ExperimentDefinition;
  readonly #overrides: ReadonlyMap<string, string>;
  readonly #stopped: Assignment | undefined;
  /** What stands before the variant: why a unit takes no part, if it does not. */
  readonly #filters: readonly ((unit: string, attributes: Attributes) => Unassigned | undefined)[];
  readonly #variantOf: (unit: string) => number;
  readonly #assigned: readonly Assigned[];

  constructor({ definition, overrides, stopped }: AssignmentParts) {
    this.definition = definition;
    this.#overrides = overrides;
    this.#stopped = stopped && ((stopped.ship === undefined ? undefined : this.as(stopped.ship, 'shipped')) ?? unassigned('stopped'));
    this.#filters = filtersOf(definition);
    this.#variantOf = chooserOf(definition);
    this.#assigned = definition.variants.map(({ name }) => this.as(name, 'assigned')!);
  }

  /** Whether the test was stopped. */
  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** The assignment of a unit. Throws `ValidationError` when the unit is no text. */
  assign(unit: string, attributes: Attributes = none): Assignment {
    return this.decided(unit) ?? this.hashed(unit, attributes);
  }

  /** What counts before everything else, stored assignments included: that the test was stopped, or that the unit was told its variant. */
  decided(unit: string): Assignment | undefined {
    if (typeof unit !== 'string' || unit === '') throw new ValidationError(`A unit is ${shown(unit, 80)}; give the id of whoever is assigned as a text.`, { path: 'unit' });
    if (this.#stopped !== undefined) return this.#stopped;
    if (this.#overrides.size === 0) return undefined;
    const variant = this.#overrides.get(unit);
    return variant === undefined ? undefined : this.as(variant, 'override');
  }

  /** The assignment by attributes and hash alone. */
  hashed(unit: string, attributes: Attributes = none): Assignment {
    for (const filter of this.#filters) {
      const out = filter(unit, attributes);
      if (out !== undefined) return out;
    }
    return this.#assigned[this.#variantOf(unit)] ?? notCovered;
  }

  /** The assignment to a variant by its name; `undefined` when there is none of that name. */
  as(name: string, reason: AssignedReason): Assigned | undefined {
    const variant = this.definition.variants.find((each) => each.name === name);
    return variant && Object.freeze({ variant: name, ...(variant.version !== undefined && { version: variant.version }), reason });
  }
}

const notCovered = /* @__PURE__ */ unassigned('not-covered');

function unassigned(reason: UnassignedReason): Unassigned {
  return Object.freeze({ reason });
}

function filtersOf({ holdout, targeting, layer, hash }: ExperimentDefinition): ((unit: string, attributes: Attributes) => Unassigned | undefined)[] {
  const filters: ((unit: string, attributes: Attributes) => Unassigned | undefined)[] = [];
  if (holdout !== undefined && holdout.share > 0) {
    const [out, salt] = [unassigned('holdout'), `holdout:${holdout.salt ?? 'holdout'}`];
    filters.push((unit) => (bucketOf(unit, salt) < holdout.share ? out : undefined));
  }
  if (targeting !== undefined) {
    const [out, matches] = [unassigned('not-targeted'), compileTargeting(targeting)];
    filters.push((_, attributes) => (matches(attributes) ? undefined : out));
  }
  if (layer !== undefined) {
    const [out, salt] = [unassigned('layer'), `layer:${layer.name}`];
    const inSlice = hash === 'murmur3' ? (unit: string): boolean => isWithin(bucketOf(unit, salt), layer) : (unit: string): boolean => growthbookNamespace(unit, layer);
    filters.push((unit) => (inSlice(unit) ? undefined : out));
  }
  return filters;
}

function isWithin(bucket: number, { from, to }: { readonly from: number; readonly to: number }): boolean {
  return bucket >= from && bucket < to;
}

/** The index of a unit's variant, or -1. */
function chooserOf({ variants, coverage, salt, hash }: ExperimentDefinition): (unit: string) => number {
  const weights = variants.map(({ weight = 1 }) => weight);
  if (hash === 'murmur3') {
    // Apart from the salts of layers and holdouts, whatever the names are.
    const [ranges, own] = [variantRanges(weights, coverage), `test:${salt}`];
    return (unit) => rangeOf(bucketOf(unit, own), ranges);
  }
  const [ranges, version] = [growthbookRanges(variants.length, coverage, weights), hash === 'growthbook-v1' ? 1 : 2];
  return (unit) => rangeOf(growthbookHash(salt, unit, version)!, ranges);
}

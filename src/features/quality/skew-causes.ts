import { isPresent, type Column } from '../../core/column.ts';
import type { QueryPlan } from '../definitions/query-plan.ts';
import type { JoinedPlan } from '../historical-query.ts';
import { isSame } from './compare-values.ts';
import type { ServedFeatureColumn, ServedGroup } from './served-groups.ts';
import { statusAt } from './served-answers.ts';
import type { PlannedShape } from './served-shape.ts';
import type { SkewCause } from './skew-report.ts';

/** The rows that differ, replayed from what had been ingested when they were served: before that millisecond, and up to its end. Within it nobody knows what came first. */
export interface ReplayedThen {
  readonly before: JoinedPlan;
  readonly upTo: JoinedPlan;
}

/** Says why rows that were served alike differ from their replay. */
export class SkewCauses {
  readonly #group: ServedGroup;
  readonly #planned: PlannedShape;
  readonly #versions: readonly (number | string)[];
  readonly #tolerance: (feature: string) => number;
  readonly #then: ReplayedThen;
  /** For each row its number among those, -1 for others. */
  readonly #places: Int32Array;
  /** What goes into the features of on-demand views, as numbers of features. */
  readonly #inputs: ReadonlyMap<number, readonly number[]>;

  constructor(group: ServedGroup, plan: QueryPlan, planned: PlannedShape, tolerance: (feature: string) => number, then: ReplayedThen, rows: readonly number[]) {
    this.#group = group;
    this.#planned = planned;
    this.#tolerance = tolerance;
    this.#then = then;
    this.#versions = [...planned.shape.views, ...planned.shape.onDemand].map(({ version }) => version);
    this.#places = new Int32Array(group.moments.length).fill(-1);
    rows.forEach((row, i) => (this.#places[row] = i));
    const inputs = plan.computations.map((asked) => asked.inputs.map(({ id }) => planned.ids.indexOf(id)));
    const { views, features } = planned.shape;
    this.#inputs = new Map(features.flatMap((each, f) => (each.group < views.length ? [] : [[f, inputs[each.group - views.length]!]])));
  }

  /** Why a feature, by its number in the shape, differs in a row. */
  of(f: number, row: number): SkewCause {
    const served = this.#served(f);
    const place = this.#places[row]!;
    if (served === undefined || place < 0) return 'unknown';
    if (this.#likeThen([f], row) !== undefined) return 'late';
    const inputs = this.#inputs.get(f);
    return inputs === undefined ? this.#ofView(f, served, row, place) : this.#ofComputed(f, served, inputs, row);
  }

  #ofView(f: number, served: ServedFeatureColumn, row: number, place: number): SkewCause {
    const { group } = this.#planned.shape.features[f]!;
    if (served.times !== undefined) {
      const time = isPresent(served.times, row) ? (served.times.values[row] as number) : -Infinity;
      const last = this.#then.upTo.eventTimes[group]![place]!;
      if (time < this.#then.before.eventTimes[group]![place]!) return 'stale';
      if (time > (Number.isNaN(last) ? -Infinity : last)) return 'unlogged';
    }
    const valueless = this.#group.shape !== undefined && statusAt(served.statuses, row) !== 'PRESENT';
    if (valueless && !isPresent(this.#then.before.plain.get(this.#planned.ids[f]!)!, place)) return 'default';
    return served.version !== undefined && served.version !== this.#versions[group] ? 'version' : 'unknown';
  }

  #ofComputed(f: number, served: ServedFeatureColumn, inputs: readonly number[], row: number): SkewCause {
    // Whatever made an input differ made what was computed from it differ.
    const different = inputs.find((input) => this.#served(input) !== undefined && this.#likeThen([input], row) === undefined);
    if (different !== undefined) return this.of(different, row);
    const { group } = this.#planned.shape.features[f]!;
    if (served.version !== undefined && served.version !== this.#versions[group]) return 'version';
    const known = this.#group.shape !== undefined && inputs.every((input) => this.#served(input) !== undefined);
    return known && this.#likeThen(inputs, row) !== undefined ? 'function' : 'unknown';
  }

  #served(f: number): ServedFeatureColumn | undefined {
    return this.#group.features.get(this.#planned.shape.features[f]!.ref);
  }

  /** In which of both replays features are all as they were served; `undefined` when in none. */
  #likeThen(features: readonly number[], row: number): JoinedPlan | undefined {
    return [this.#then.upTo, this.#then.before].find((then) =>
      features.every((f) => {
        const { column, ref } = this.#planned.shape.features[f]!;
        return isSameAt(this.#served(f)!.values, row, then.values.get(this.#planned.ids[f]!)!, this.#places[row]!, this.#tolerance(column ?? ref));
      }),
    );
  }
}

function isSameAt(a: Column, i: number, b: Column, k: number, tolerance: number): boolean {
  return isSame(rowOf(a, i), rowOf(b, k), 0, tolerance);
}

function rowOf(column: Column, i: number): Column {
  return { ...column, values: column.values.slice(i, i + 1), valid: column.valid?.slice(i, i + 1) } as Column;
}

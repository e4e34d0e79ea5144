import type { Row } from '../core/table.ts';
import type { TransformFailure } from './compute-on-demand.ts';
import type { AskedColumn } from './definitions/query-plan.ts';
import type { OnlineQuery } from './feature-store-options.ts';
import { ownValue } from './own-values.ts';
import type { FeatureStatus, RecordAnswer } from './record-answer.ts';

/** Under which a store of features gives {@link ServedFeatures}, for what writes them in a form of its own. */
export const servedFeatures: unique symbol = /* @__PURE__ */ Symbol.for('modelkeep.servedFeatures');

/** A store that can be asked so. */
export interface ServesFeatures {
  readonly [servedFeatures]: (query: OnlineQuery) => Promise<ServedFeatures>;
}

/** Features for serving, in the order of the entities. */
export interface OnlineFeatures {
  /** The entities' own columns, then the features; a value whose status is not `PRESENT` is the feature's default, or `null`. */
  readonly columns: Readonly<Record<string, readonly unknown[]>>;
  /** By feature column; what is computed on demand is `PRESENT` or `NULL_VALUE`. */
  readonly statuses: Readonly<Record<string, readonly FeatureStatus[]>>;
  /** By feature column: event time of the entity's newest row, epoch milliseconds, `null` when there is none; of what is computed on demand, the oldest of those that went into it. */
  readonly timestamps: Readonly<Record<string, readonly (number | null)[]>>;
  /** Rows for which an on-demand view failed, where the query lets them be `null`. */
  readonly failures: readonly TransformFailure[];
}

/** A feature's values for the entities asked for. */
export interface ServedValues {
  readonly values: unknown[];
  readonly statuses: FeatureStatus[];
  readonly timestamps: (number | null)[];
}

/** A view's answers, one for each entity asked for. */
export interface ServedView {
  readonly answers: readonly RecordAnswer[];
  /** Features of a view are of the same moments, so they share one list of them. */
  readonly timestamps: (number | null)[];
}

/** Where a feature is found among the answers of the views. */
export interface ServedPlace {
  /** Which of the views. */
  readonly view: number;
  /** Where it is in each answer of that view. */
  readonly feature: number;
  /** Whether its values are objects, which stay in the answers. */
  readonly isObject: boolean;
}

/** Where everything is found that is served for one query: the same each time that it is asked. */
export class ServedLayout {
  /** The features asked for. */
  readonly columns: readonly AskedColumn[];
  /** By id; what is computed on demand is not among them. */
  readonly places: ReadonlyMap<string, ServedPlace>;
  readonly #blank: Readonly<Record<string, null>>;
  /** Of the names that entities had the last time. */
  #wide: { readonly names: readonly string[]; readonly blank: Readonly<Record<string, null>> } | undefined;

  constructor(columns: readonly AskedColumn[], places: ReadonlyMap<string, ServedPlace>) {
    this.columns = columns;
    this.places = places;
    this.#blank = Object.fromEntries(columns.map(({ column }) => [column, null]));
  }

  /** An object with a property for each of the names, and then for each column: to copy one takes less room and time than to give names to one after the other. */
  blank(names: readonly string[]): Record<string, unknown> {
    if (names.length === 0) return { ...this.#blank };
    const wide = this.#wide;
    if (wide?.names.length === names.length && names.every((name, i) => wide.names[i] === name)) return { ...wide.blank };
    const blank = { ...Object.fromEntries(names.map((name) => [name, null])), ...this.#blank };
    this.#wide = { names, blank };
    return { ...blank };
  }
}

/** What was found for a query, before it is given a form. */
export class ServedFeatures {
  /** The entities asked for, and the names of all their columns. */
  readonly entities: readonly Row[];
  readonly names: readonly string[];
  readonly views: readonly ServedView[];
  readonly failures: TransformFailure[] = [];
  readonly #layout: ServedLayout;
  readonly #values = new Map<string, ServedValues>();

  constructor(entities: readonly Row[], names: readonly string[], layout: ServedLayout, answers: readonly (readonly RecordAnswer[])[]) {
    this.entities = entities;
    this.names = names;
    this.#layout = layout;
    this.views = answers.map((each) => ({ answers: each, timestamps: each.map(({ timestamp }) => timestamp) }));
  }

  /** The features asked for. */
  get columns(): readonly AskedColumn[] {
    return this.#layout.columns;
  }

  addComputed(id: string, values: ServedValues): void {
    this.#values.set(id, values);
  }

  /** Where a feature of a view is; `undefined` for what was computed on demand. */
  place(id: string): ServedPlace | undefined {
    return this.#layout.places.get(id);
  }

  /** A column of the entities, with `null` where one lacks it. */
  given(name: string): unknown[] {
    return this.entities.map((entity) => (Object.hasOwn(entity, name) ? (entity[name] ?? null) : null));
  }

  /** A feature's values, which are the caller's own. */
  get(id: string): ServedValues {
    let found = this.#values.get(id);
    if (found === undefined) this.#values.set(id, (found = this.#valuesAt(this.#layout.places.get(id)!)));
    return found;
  }

  /** All of it as columns. */
  toFeatures(): OnlineFeatures {
    const columns = this.#layout.blank(this.names) as Record<string, unknown[]>;
    const statuses = this.#layout.blank([]) as Record<string, FeatureStatus[]>;
    const timestamps = this.#layout.blank([]) as Record<string, (number | null)[]>;
    for (const name of this.names) columns[name] = this.given(name);
    for (const { column, id } of this.columns) {
      const place = this.#layout.places.get(id);
      const found = place ? this.#valuesAt(place) : this.get(id);
      columns[column] = found.values;
      statuses[column] = found.statuses;
      timestamps[column] = found.timestamps;
    }
    return { columns, statuses, timestamps, failures: this.failures };
  }

  #valuesAt({ view, feature, isObject }: ServedPlace): ServedValues {
    const { answers, timestamps } = this.views[view]!;
    const size = answers.length;
    const values = new Array<unknown>(size);
    const statuses = new Array<FeatureStatus>(size);
    for (let i = 0; i < size; i++) {
      const answer = answers[i]!;
      values[i] = isObject ? ownValue(answer.values[feature]) : answer.values[feature];
      statuses[i] = answer.statuses[feature]!;
    }
    return { values, statuses, timestamps };
  }
}

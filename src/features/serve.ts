import type { Row } from '../core/table.ts';
import type { TransformFailure } from './compute-on-demand.ts';
import type { AskedColumn, AskedView } from './definitions/query-plan.ts';
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

/** One feature among the answers of its view. */
export interface ServedPart extends ServedView {
  /** Where it is in each answer. */
  readonly feature: number;
  /** Whether its values are objects, which stay in the answers. */
  readonly isObject: boolean;
}

/** What was found for a query, before it is given a form. */
export class ServedFeatures {
  /** The entities asked for, and the names of all their columns. */
  readonly entities: readonly Row[];
  readonly names: readonly string[];
  /** The features asked for. */
  readonly columns: readonly AskedColumn[];
  readonly failures: TransformFailure[] = [];
  readonly #parts = new Map<string, ServedPart>();
  readonly #values = new Map<string, ServedValues>();

  constructor(entities: readonly Row[], names: readonly string[], columns: readonly AskedColumn[]) {
    this.entities = entities;
    this.names = names;
    this.columns = columns;
  }

  addView({ features }: AskedView, answers: readonly RecordAnswer[], areObjects: readonly boolean[]): void {
    const timestamps = answers.map(({ timestamp }) => timestamp);
    features.forEach(({ id }, feature) => this.#parts.set(id, { answers, timestamps, feature, isObject: areObjects[feature]! }));
  }

  addComputed(id: string, values: ServedValues): void {
    this.#values.set(id, values);
  }

  /** A feature of a view; `undefined` for what was computed on demand. */
  part(id: string): ServedPart | undefined {
    return this.#parts.get(id);
  }

  /** A column of the entities, with `null` where one lacks it. */
  given(name: string): unknown[] {
    return this.entities.map((entity) => (Object.hasOwn(entity, name) ? (entity[name] ?? null) : null));
  }

  /** A feature's values, which are the caller's own. */
  get(id: string): ServedValues {
    let found = this.#values.get(id);
    if (found === undefined) this.#values.set(id, (found = valuesOf(this.#parts.get(id)!)));
    return found;
  }

  /** All of it as columns. */
  toFeatures(): OnlineFeatures {
    const columns: Record<string, unknown[]> = {};
    const statuses: Record<string, FeatureStatus[]> = {};
    const timestamps: Record<string, (number | null)[]> = {};
    for (const name of this.names) columns[name] = this.given(name);
    for (const { column, id } of this.columns) {
      const found = this.get(id);
      columns[column] = found.values;
      statuses[column] = found.statuses;
      timestamps[column] = found.timestamps;
    }
    return { columns, statuses, timestamps, failures: this.failures };
  }
}

function valuesOf({ answers, timestamps, feature, isObject }: ServedPart): ServedValues {
  return {
    values: answers.map(isObject ? ({ values }) => ownValue(values[feature]) : ({ values }) => values[feature]),
    statuses: answers.map(({ statuses }) => statuses[feature]!),
    timestamps,
  };
}

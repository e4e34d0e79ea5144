import { valueAt, type Column } from '../core/column.ts';
import { ConflictError, ValidationError } from '../core/errors.ts';
import { aggregateColumn } from './aggregates/aggregate-column.ts';
import type { AggregateDefinition } from './aggregates/aggregate-definition.ts';
import { hasFewRows, totalOfFew } from './aggregates/few-totals.ts';
import { answerUntil, isRestless } from './answer-lifetime.ts';
import { definitionOf, featureTypeOf, type FeatureDefinition } from './definitions/feature-view.ts';
import type { AskedView } from './definitions/query-plan.ts';
import type { EventIndex } from './event-index.ts';
import { isComputed } from './expressions/expression.ts';
import type { EncodedRecord } from './online-record.ts';
import type { LoadedRecord } from './online-store.ts';
import { isTotal } from './online-tiles/tile-spec.ts';
import { TiledTotals } from './online-tiles/tiled-totals.ts';
import { newestRow, outcome } from './point-in-time.ts';
import { ProbeSweep } from './probe-sweep.ts';
import { needsOf, shortcoming, type RecordNeeds } from './record-needs.ts';
import { defaultOf } from './with-default.ts';

/** What is known of a value: there is one, it is missing, nothing is known of the entity, or what is known is older than the view's `ttl`. */
export type FeatureStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE';

/** A view's features of one entity, in the order in which they are asked for. It is kept for later requests: whoever hands out a value that is an object hands out a copy. */
export interface RecordAnswer {
  readonly values: readonly unknown[];
  readonly statuses: readonly FeatureStatus[];
  /** Event time of the newest row, `null` when there is none. */
  readonly timestamp: number | null;
}

/** A feature that is asked for. */
interface AskedDefinition {
  readonly definition: FeatureDefinition;
  /** Under what name a record has it; the expression where it is computed from what a record has. */
  readonly source: string;
  /** What stands where it has no value. */
  readonly standIn: unknown;
}

/** What is found out of a record once, for one who answers from it. */
export interface PreparedRecord {
  readonly by: RecordAnswers;
  /** What it cannot answer. */
  readonly reason: string | undefined;
  /** By feature, those that are computed from others by row; none where no feature is. */
  readonly computed: readonly (Column | undefined)[];
  /** The last answer, which stays from `from` to `until`, excluded. */
  held: { readonly answer: RecordAnswer; readonly from: number; readonly until: number } | undefined;
}

const noneComputed: readonly undefined[] = [];
const scalars: ReadonlySet<string> = /* @__PURE__ */ new Set(['float64', 'int64', 'bool', 'string', 'timestamp']);

/** Answers what is asked of a view, from one entity's record after the other. */
export class RecordAnswers {
  readonly #asked: AskedView;
  readonly #needs: RecordNeeds;
  readonly #features: readonly AskedDefinition[];
  readonly #aggregates: readonly AggregateDefinition[];
  /** Which features change from moment to moment whatever becomes of the rows. */
  readonly #restless: readonly number[];
  readonly #unknown: RecordAnswer;
  readonly #areComputed: boolean;
  /** What most answers say of all their values, shared by them. */
  readonly #allPresent: readonly FeatureStatus[];
  /** By feature: whether its values are objects. */
  readonly areObjects: readonly boolean[];

  constructor(asked: AskedView) {
    const { view } = asked.current;
    this.#asked = asked;
    this.#needs = needsOf(asked);
    this.#features = asked.features.map(({ feature }) => {
      const definition = definitionOf(view, feature);
      const standIn = defaultOf(view, feature);
      return { definition, source: definition.kind === 'column' ? (definition.from ?? `f:${feature}`) : feature, standIn: standIn ? valueAt(standIn, 0) : null };
    });
    this.#aggregates = this.#features.flatMap(({ definition }) => (definition.kind === 'aggregate' ? [definition] : []));
    this.#restless = this.#features.flatMap(({ definition }, f) => (definition.kind === 'aggregate' && isRestless(definition) ? [f] : []));
    this.#unknown = { values: this.#features.map(({ standIn }) => standIn), statuses: this.#features.map(() => 'NOT_FOUND'), timestamp: null };
    this.#areComputed = this.#features.some(({ source }) => isComputed(source));
    this.#allPresent = this.#features.map(() => 'PRESENT');
    this.areObjects = asked.features.map(({ feature }) => !scalars.has(featureTypeOf(view, feature)));
  }

  /** The features at the moment `now`. Throws when the record cannot tell. */
  at(loaded: LoadedRecord | undefined, now: number): RecordAnswer {
    if (loaded === undefined) return this.#unknown;
    const { record, index } = loaded;
    const prepared = this.#preparedOf(loaded);
    this.#assertAnswerable(prepared, record, now);
    const { held } = prepared;
    if (held !== undefined && (now === held.from || (now > held.from && now < held.until))) return this.#restless.length === 0 || now === held.from ? held.answer : this.#moved(held.answer, loaded, now);
    const newest = newestRow(index, now, this.#asked.current.view.ttl);
    const answer = this.#compute(loaded, prepared, newest, now);
    const isFresh = newest.outcome === outcome.matched;
    const until = answerUntil(index, now, { newest: isFresh ? index.times[newest.place] : undefined, ttl: this.#asked.current.view.ttl, windows: this.#aggregates, isFolded: record.folded !== undefined });
    prepared.held = { answer, from: now, until };
    return answer;
  }

  /** Nearly all records are asked for by one only: what others need is kept with the index. */
  #preparedOf(loaded: LoadedRecord): PreparedRecord {
    const { prepared, record, index } = loaded;
    if (prepared?.by === this) return prepared;
    if (prepared !== undefined) index.keepPlan(prepared.by, prepared);
    return (loaded.prepared = (index.planOf(this) as PreparedRecord | undefined) ?? this.#prepare(record, index));
  }

  #prepare(record: EncodedRecord, index: EventIndex): PreparedRecord {
    const computed = this.#areComputed ? this.#features.map(({ source }) => (isComputed(source) ? index.unsorted(source) : undefined)) : noneComputed;
    return { by: this, reason: shortcoming(record, this.#needs), computed, held: undefined };
  }

  #assertAnswerable({ reason }: PreparedRecord, record: EncodedRecord, now: number): void {
    const { current, features } = this.#asked;
    const { name } = current.view;
    if (reason !== undefined) {
      const names = features.map(({ feature }) => feature).join(', ');
      throw new ConflictError(`The online values of '${name}' cannot give ${names}: ${reason}. Call materialize('${name}').`, { key: name });
    }
    if (record.from === null || now >= record.from) return;
    const [from, at] = [record.from, now].map((time) => new Date(time).toISOString());
    throw new ValidationError(
      `The online values of '${name}' are kept for requests from ${from} on, and it is ${at} by the clock; ask getHistoricalFeatures() for the past, or materialize with the clock of the requests.`,
      { path: 'clock' },
    );
  }

  #compute(loaded: LoadedRecord, { computed }: PreparedRecord, newest: { readonly place: number; readonly outcome: number }, now: number): RecordAnswer {
    const { index, record } = loaded;
    const isExpired = newest.outcome === outcome.expired;
    if (!isExpired && newest.outcome !== outcome.matched) return this.#unknown;
    const aggregateAt = aggregatesAt(loaded, now);
    const row = index.order[newest.place]!;
    const size = this.#features.length;
    const values = new Array<unknown>(size);
    let statuses: FeatureStatus[] | undefined;
    for (let f = 0; f < size; f++) {
      const { definition, source, standIn } = this.#features[f]!;
      const isOld = isExpired && definition.kind === 'column';
      const column = computed[f];
      const value = isOld ? null : definition.kind === 'aggregate' ? aggregateAt(definition) : column ? valueAt(column, row) : record.rows.valueAt(source, row);
      values[f] = value ?? standIn;
      if (value === null) (statuses ??= [...this.#allPresent])[f] = isOld ? 'OUTSIDE_MAX_AGE' : 'NULL_VALUE';
    }
    return { values, statuses: statuses ?? this.#allPresent, timestamp: index.times[newest.place]! };
  }

  /** An answer that still stands but for what moves with every moment. */
  #moved(answer: RecordAnswer, loaded: LoadedRecord, now: number): RecordAnswer {
    const aggregateAt = aggregatesAt(loaded, now);
    const values = [...answer.values];
    for (const f of this.#restless) if (answer.statuses[f] === 'PRESENT') values[f] = aggregateAt(this.#features[f]!.definition as AggregateDefinition);
    return { ...answer, values };
  }
}

/** Computes aggregates of a record at a moment. */
function aggregatesAt(loaded: LoadedRecord, now: number): (definition: AggregateDefinition) => unknown {
  let sweep: ProbeSweep | undefined;
  return (definition) => {
    const tiled = tiledTotals(loaded, definition);
    if (tiled) return tiled.at(now);
    if (isTotal(definition) && definition.by === undefined && hasFewRows(loaded.index)) return totalOfFew(loaded.index, definition, now);
    sweep ??= new ProbeSweep(loaded.index, { codes: new Int32Array(1), times: Float64Array.of(now) });
    return valueAt(aggregateColumn(sweep, definition, true), 0);
  };
}

/** Counts and sums of a record whose old rows are in tiles; `undefined` for other records, and for what is computed from rows. */
function tiledTotals({ record, index }: LoadedRecord, definition: AggregateDefinition): TiledTotals | undefined {
  if (record.folded === undefined || !isTotal(definition)) return undefined;
  const { folded, rows, tiles } = record;
  return index.planFor(definition, () => new TiledTotals({ folded, rows: rows.table(), tiles: tiles!.table() }, index, definition));
}

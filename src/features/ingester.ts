import { isModelkeepError, ValidationError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Page } from '../core/page.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { Row, Table, TableSource } from '../core/table.ts';
import { noteArrival } from './arrivals.ts';
import type { CurrentView } from './definitions/definition-states.ts';
import type { CorrectedRow, IngestOptions, IngestResult, QuarantinedQuery, ReleaseOptions } from './ingest-options.ts';
import { Forgetting, type ForgetResult } from './forgetting.ts';
import { checkedRows, partsOf } from './ingest-input.ts';
import type { Materializer, MaterializeResult } from './materialize.ts';
import { appendBatch, type AppendBatchOptions, type AppendedBatch } from './offline-log.ts';
import type { CheckRun } from './quality/check-run.ts';
import type { CheckPreparer } from './quality/prepare-checks.ts';
import { splitId, type QuarantinedRow, type QuarantineRecord } from './quarantine.ts';
import type { RowStores } from './row-stores.ts';

/** What was counted of an ingestion so far. */
type IngestCounts = { -readonly [Count in 'rows' | 'known' | 'quarantined' | 'batches']: number };

/** How rows get into a feature store. */
export class Ingester {
  readonly #stores: RowStores;
  readonly #materializer: Materializer;
  readonly #checks: CheckPreparer;
  readonly #forgetting: Forgetting;

  constructor(stores: RowStores, materializer: Materializer, checks: CheckPreparer) {
    this.#stores = stores;
    this.#materializer = materializer;
    this.#checks = checks;
    this.#forgetting = new Forgetting(stores);
  }

  /** Takes rows in, batch by batch; those that are invalid are refused or set aside. */
  async ingest(current: CurrentView, source: TableSource, options: IngestOptions): Promise<IngestResult> {
    const checks = await this.#checks.prepare(current, options.validate, { signal: options.signal });
    const total = { rows: 0, known: 0, quarantined: 0, batches: 0 };
    try {
      await this.#take(current, source, options, checks, total);
    } catch (error) {
      // Whoever asks why rows were refused must know it from the error first.
      if (checks && isModelkeepError(error, 'validation')) await this.#noteChecks(current, checks, options, total, true).catch(() => undefined);
      throw error;
    }
    if (checks) await this.#noteChecks(current, checks, options, total, false);
    return { ...total, ...(checks && { checks: checks.report() }) };
  }

  async #take(current: CurrentView, source: TableSource, options: IngestOptions, checks: CheckRun | undefined, total: IngestCounts): Promise<void> {
    const { name } = current.view;
    const { signal, batchId, onInvalid = 'fail' } = options;
    let heard = await this.#forgetting.heard(current, { signal });
    for await (const part of partsOf(current, source, { onInvalid, checks, signal })) {
      let earliest = heard;
      const unreadable = await this.#stores.quarantine.add(name, part.unreadable, batchId, this.#stores.clock.now(), { signal });
      total.quarantined += unreadable;
      total.known += part.unreadable.length - unreadable;
      if (part.table.rowCount > 0) {
        const appended = await this.#append(current, part.table, options.online ?? false, {
          signal,
          batchId: batchId === undefined || total.batches === 0 ? batchId : `${batchId} ${total.batches + 1}`,
          now: this.#stores.times.next(),
          heard,
          aside: part.invalid,
          setAside: (rows) => this.#stores.quarantine.add(name, rows.map(part.asideAt), batchId, this.#stores.clock.now(), { signal }),
        });
        if (appended.known) total.known += part.table.rowCount;
        else {
          total.rows += part.table.rowCount - appended.aside;
          total.quarantined += appended.aside;
        }
        total.batches++;
        if (!appended.known) earliest = Math.min(heard, appended.heard);
      }
      heard = await this.#forgetting.heard(current, { signal });
      if (onInvalid === 'quarantine' && heard > earliest) await this.#forgetting.recheckQuarantine(current, earliest, { signal });
      options.onProgress?.({ phase: 'ingest', done: total.rows + total.known + total.quarantined });
    }
  }

  async #noteChecks(current: CurrentView, checks: CheckRun, { batchId, signal }: IngestOptions, { rows, quarantined }: IngestCounts, refused: boolean): Promise<void> {
    const { noteCheckResult } = await import('./quality/check-results.ts');
    await noteCheckResult(this.#stores.storage, current, checks.report(), { at: this.#stores.clock.now(), batchId, refused, rows: checks.rows, ingested: rows, quarantined }, { signal });
  }

  /** Rows that are set aside. */
  quarantined(view: string, options: QuarantinedQuery): Promise<Page<QuarantinedRow>> {
    return this.#stores.quarantine.page(view, options.after, options.limit ?? 100, { signal: options.signal });
  }

  /** Takes rows out of quarantine and in, each once however often it is tried. Nothing is taken in when one of them is still invalid. */
  async release(current: CurrentView, rows: readonly (string | CorrectedRow)[], options: ReleaseOptions): Promise<number> {
    const { name } = current.view;
    const { signal, validate } = options;
    const plans: { record: string; rows: readonly { place: number; values: Row }[] }[] = [];
    let released = 0;
    for (const [record, wanted] of byRecord(rows)) {
      // What was begun before, and cut off, is finished as it was asked for then.
      const settled = new Set(await this.#settle(current, record, { signal }));
      const left = [...wanted.keys()].filter((place) => !settled.has(place));
      released += wanted.size - left.length;
      if (left.length === 0) continue;
      const { value } = await this.#stores.quarantine.read(name, record, left, { signal });
      const corrected = left.map((place) => ({ place, values: { ...value.rows.find((row) => row.place === place)!.values, ...wanted.get(place) } }));
      plans.push({ record, rows: corrected });
    }
    const all = plans.flatMap((plan) => plan.rows.map(({ values }) => values));
    if (all.length > 0) checkedRows(current, all, await this.#checks.prepare(current, validate, { signal }));
    for (const plan of plans) {
      const releasing = { batchId: `released ${newId()}`, online: options.online ?? false, rows: plan.rows };
      for (let mine = false; !mine; ) {
        const after = await this.#stores.quarantine.change(name, plan.record, (present) => (present.releasing || lacks(present, plan.rows) ? present : { ...present, releasing }), { signal });
        mine = after?.releasing?.batchId === releasing.batchId;
        if (!mine) await this.#stores.quarantine.read(name, plan.record, plan.rows.map(({ place }) => place), { signal });
        await this.#settle(current, plan.record, { signal });
      }
      released += plan.rows.length;
    }
    return released;
  }

  /** Drops rows from quarantine; returns how many. */
  async reject(current: CurrentView, ids: readonly string[], options: OperationOptions): Promise<number> {
    let rejected = 0;
    for (const [record, wanted] of byRecord(ids)) {
      await this.#settle(current, record, options);
      let dropped = 0;
      await this.#stores.quarantine.change(
        current.view.name,
        record,
        (present) => {
          const releasing = new Set(present.releasing?.rows.map(({ place }) => place));
          const rows = present.rows.filter(({ place }) => !wanted.has(place) || releasing.has(place));
          dropped = present.rows.length - rows.length;
          return dropped === 0 ? present : { ...present, rows };
        },
        options,
      );
      rejected += dropped;
    }
    return rejected;
  }

  /** Takes entities out of all that the view holds, in the rows of all its `epochs`. */
  forget(current: CurrentView, epochs: readonly CurrentView[], entities: readonly Row[], { signal }: OperationOptions): Promise<ForgetResult> {
    return this.#forgetting.forget(current, epochs, entities, { signal });
  }

  /** Brings rows up to event time `end` online: what the log has gained since the last time. */
  materialize(current: CurrentView, end: number, options: LongOperationOptions): Promise<MaterializeResult> {
    return this.#materializer.materialize(current, end, this.#forgetting.watch(current, undefined, options), options);
  }

  /** Finishes a release that was begun, by whomever; returns the places of its rows. */
  async #settle(current: CurrentView, record: string, { signal }: OperationOptions): Promise<readonly number[]> {
    const { name } = current.view;
    const heard = await this.#forgetting.heard(current, { signal });
    const present = await this.#stores.quarantine.change(name, record, (each) => each, { signal });
    const releasing = present?.releasing;
    if (releasing === undefined) return [];
    const table = checkedRows(current, releasing.rows.map(({ values }) => values), undefined);
    await this.#append(current, table, releasing.online, { signal, batchId: releasing.batchId, now: this.#stores.times.next(), heard });
    const places = releasing.rows.map(({ place }) => place);
    await this.#stores.quarantine.change(
      name,
      record,
      (each) => (each.releasing?.batchId === releasing.batchId ? { ...each, rows: each.rows.filter(({ place }) => !places.includes(place)), releasing: undefined } : each),
      { signal },
    );
    return places;
  }

  async #append(current: CurrentView, table: Table, online: boolean, options: AppendBatchOptions): Promise<AppendedBatch> {
    const { signal } = options;
    let { heard } = options;
    const strip = async (rows: Table, before: number): Promise<Table> => {
      const left = await this.#forgetting.strip(current, rows, before, { signal });
      heard = left.heard;
      return left.table;
    };
    const appended = await appendBatch(this.#stores.storage, this.#stores.logs.of(current), current, table, { ...options, strip });
    const { batch } = appended;
    if (online && batch.table.rowCount > 0) await this.#materializer.push(current, batch, appended.known, this.#forgetting.watch(current, heard, { signal }), { signal });
    if (!appended.known) await this.#forgetting.recheckBatch(current, appended.sent, appended.heard, { signal });
    if (!appended.known && batch.table.rowCount > 0) await noteArrival(this.#stores.storage, current.view.name, current.view.timestamp, batch, online, { signal });
    await appended.finish();
    return appended;
  }
}

function lacks(record: QuarantineRecord, rows: readonly { place: number }[]): boolean {
  return rows.some(({ place }) => !record.rows.some((row) => row.place === place));
}

/** The rows asked for, by record and place, with what is corrected in them. */
function byRecord(rows: readonly (string | CorrectedRow)[]): Map<string, Map<number, Row>> {
  const found = new Map<string, Map<number, Row>>();
  rows.forEach((row, i) => {
    const id: unknown = typeof row === 'string' ? row : row?.id;
    const at = typeof id === 'string' ? splitId(id) : undefined;
    if (at === undefined || at.record === '' || !Number.isInteger(at.place)) {
      throw new ValidationError(`rows[${i}] is ${shown(row, 80)}; give the id of a row in quarantine, or { id, values }.`, { path: `rows[${i}]` });
    }
    const places = found.get(at.record) ?? new Map<number, Row>();
    places.set(at.place, typeof row === 'string' ? {} : (row.values ?? {}));
    found.set(at.record, places);
  });
  return found;
}

import { throwIfAborted } from '../core/abort.ts';
import { ConflictError } from '../core/errors.ts';
import type { Key } from '../core/key.ts';
import type { LongOperationOptions } from '../core/progress.ts';
import { buildRecords, hashes, type BuiltRecords } from './build-records.ts';
import { batchesAfter, rewritten } from './log-chunks.ts';
import { latest, type MaterializeProgress, type MaterializeSource } from './materialize-progress.ts';
import { latestGeneration, type RebuildState } from './materialized-state.ts';
import { generationOf, rebuildRecord } from './online-record.ts';
import type { RecordChange } from './online-store.ts';

/** The log may be rewritten so often while one call reads it. */
export const maxRewritten = 10;

/** Makes a view's records anew from its log, as one of those who may be at it. */
export class RecordRebuild {
  readonly #source: MaterializeSource;
  readonly #progress: MaterializeProgress;
  readonly #options: LongOperationOptions;
  readonly #onRows: (rows: number) => void;

  /** @param onRows - Told how many rows were read that no earlier pass had. */
  constructor(source: MaterializeSource, progress: MaterializeProgress, options: LongOperationOptions, onRows: (rows: number) => void) {
    this.#source = source;
    this.#progress = progress;
    this.#options = options;
    this.#onRows = onRows;
  }

  /** Makes all records anew from the log when they are of another layout: in as many passes over it as memory asks for, each for a part of the entities. */
  async run(end: number): Promise<void> {
    let dropped = 0;
    for (let attempt = 1; ; ) {
      throwIfAborted(this.#options.signal, `Materializing ${this.#progress.current.view.name}`);
      const { versions = 0, rebuild } = this.#progress.state;
      if (Math.max(versions, rebuild?.versions ?? 0) > this.#progress.current.kept.length) await this.#progress.learn();
      if (this.#progress.isInForce(this.#progress.state)) return;
      const plan = await this.#beginRebuild(end, dropped);
      if (plan === undefined) continue;
      const pass = await this.build(plan.done, plan.end);
      if (pass !== rewritten && (await this.#replace(plan, pass)) !== rewritten) continue;
      if (attempt++ === maxRewritten) throw new ConflictError(`The log of '${this.#progress.current.view.name}' was rewritten at each of ${maxRewritten} attempts to read it; try again when it is less busy.`, { key: this.#source.log.key });
      // The place in the log that was noted no longer counts.
      dropped = plan.generation;
    }
  }

  /** Joins those who make records anew for the same layout, or begins to, under a generation that no record is of; `undefined` when someone else wrote meanwhile. */
  async #beginRebuild(end: number, dropped: number): Promise<RebuildState | undefined> {
    const state = this.#progress.state;
    const { rebuild } = state;
    const { id } = this.#progress.layout;
    if (rebuild?.layout === id && rebuild.generation > Math.max(state.generation ?? 0, this.#progress.records.met - 1, dropped)) return (await this.#progress.claim()) ? rebuild : undefined;
    const plan: RebuildState = { layout: id, versions: this.#progress.current.kept.length, generation: Math.max(latestGeneration(state), this.#progress.records.met) + 1, end: latest(end, state.end), done: 0 };
    return (await this.#progress.noteClaimed((seen) => ({ ...seen, rebuild: plan }))) ? plan : undefined;
  }

  /** Puts records that were built in the place of those that are there. */
  async #replace(begun: RebuildState, { records, high, position, held }: BuiltRecords): Promise<typeof rewritten | undefined> {
    const plan = begun.position === undefined ? { ...begun, position, held } : begun;
    if (plan.position !== begun.position && !(await this.#progress.insist((state) => ({ ...state, rebuild: plan }), begun))) return undefined;
    // Later passes may have read more of the log: what lies behind the first is read again.
    const later = this.#progress.layout.tiles.length === 0 ? new Set<string>() : await batchesAfter(this.#source.log, plan.position, this.#options);
    if (later === rewritten) return rewritten;
    const { generation } = plan;
    const how = { end: plan.end, later, layout: this.#progress.layout, fold: this.#progress.foldPlan(plan.end) };
    const changes = [...records].map(([key, built]): RecordChange => ({ key, change: (record) => (generationOf(record) === generation ? undefined : rebuildRecord(record, built, how)) }));
    if (!(await this.#progress.records.changeAll(changes, generation))) {
      await this.#progress.reload();
      return undefined;
    }
    const done = { layout: plan.layout, versions: plan.versions, generation, end: plan.end, position: plan.position, held: plan.held };
    await this.#progress.insist((state) => (high === hashes ? { ...done, at: state.at } : { ...state, rebuild: { ...plan, done: high } }), plan);
    return undefined;
  }

  /** Builds records from the log: those of entities whose hashes are `low` or higher, as many as memory allows; of those in `only` where it is given. */
  build(low: number, end: number, only?: ReadonlyMap<Key, unknown>): Promise<BuiltRecords | typeof rewritten> {
    const { log, online } = this.#source;
    const onRows = (rows: number): void => this.#onRows(low === 0 && only === undefined ? rows : 0);
    const plan = { end, keepFrom: this.#progress.keepFrom(end), low, only: only && new Set(only.keys()), onRows };
    return buildRecords({ current: this.#progress.current, layout: this.#progress.layout, log, online }, plan, this.#options);
  }
}

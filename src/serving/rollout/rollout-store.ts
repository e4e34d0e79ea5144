import type { Clock } from '../../core/clock.ts';
import { encode } from '../../core/codec.ts';
import { escapeSegment, type Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter, Version } from '../../storage/contract.ts';
import { changeHead, readHeadUnless, readHistory, type HeadChange, type HeadLocation } from '../../storage/head-record.ts';
import { HistoryPages, type HistoryPage } from '../../storage/history-pages.ts';
import { listAll, readValues } from '../../storage/records.ts';
import type { RolloutEvent } from './rollout-event.ts';
import type { RolloutState } from './rollout-state.ts';
import type { StoredStageCounts } from './stage-counts.ts';

/** That a process runs an experiment over the versions of a model, until then unless it says so again. */
export interface ExperimentClaim {
  readonly experiment: string;
  readonly owner: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** What is stored of the deployment of a model. */
export interface ServingHead {
  readonly rollout?: RolloutState | undefined;
  /** The largest fence of a process that decided. */
  readonly fence: number;
  readonly claims: readonly ExperimentClaim[];
}

/** Nothing yet. */
const emptyHead: ServingHead = { fence: 0, claims: [] };

/** What is stored of the rollouts of a model: where they stand with their history, and what processes counted. */
export class RolloutStore {
  readonly leaseKey: Key;
  readonly #at: HeadLocation & { readonly key: Key };
  readonly #pages: HistoryPages;
  #version: Version | undefined;
  #head: ServingHead = emptyHead;

  constructor(storage: StorageAdapter, model: string, clock: Clock) {
    const key = `serving/${escapeSegment(model)}`;
    this.leaseKey = `${key}/lease`;
    this.#at = { storage, key, clock };
    this.#pages = new HistoryPages(this.#at);
  }

  /** What the last reading or change found. */
  get head(): ServingHead {
    return this.#head;
  }

  /** Reads how it stands. */
  async read(): Promise<ServingHead> {
    const found = await readHeadUnless<ServingHead>(this.#at, this.#version);
    if (found === undefined) [this.#head, this.#version] = [emptyHead, undefined];
    else if (found.state !== undefined) [this.#head, this.#version] = [found.state, found.version];
    return this.#head;
  }

  /** Changes how it stands, with the events that tell of it, which come back as they were stored. */
  async change(change: (head: ServingHead) => HeadChange<ServingHead> | undefined): Promise<readonly RolloutEvent[]> {
    const { state, events } = await changeHead<ServingHead>(this.#at, (head) => change(head ?? emptyHead));
    [this.#head, this.#version] = [state ?? emptyHead, undefined];
    return events as readonly RolloutEvent[];
  }

  async history(options: OperationOptions = {}): Promise<RolloutEvent[]> {
    return (await readHistory(this.#at, options)) as RolloutEvent[];
  }

  page(after: number, limit: number, signal: AbortSignal | undefined): Promise<HistoryPage> {
    return this.#pages.page(after, { limit, wants: () => true, signal });
  }

  /** Stores the whole of what a process counted in stages. */
  async saveCounts(rollout: string, writer: string, counts: readonly StoredStageCounts[]): Promise<void> {
    await this.#at.storage.write(counts.map((each) => ({ kind: 'put', key: `${this.#countsOf(rollout)}${each.stage + 1}/${writer}`, bytes: encode(each) })));
  }

  /** What all processes counted. */
  async counts(rollout: string): Promise<readonly StoredStageCounts[]> {
    const keys: Key[] = [];
    for await (const { key } of listAll(this.#at.storage, { prefix: this.#countsOf(rollout) })) keys.push(key);
    const found = await readValues<StoredStageCounts>(this.#at.storage, keys);
    return found.flatMap((record) => (record ? [record.value] : []));
  }

  /** Deletes the counts of rollouts that have ended: they were judged, and what they came to is in the history. */
  async clearCounts(): Promise<void> {
    const { storage, key } = this.#at;
    const keys: Key[] = [];
    for await (const entry of listAll(storage, { prefix: `${key}/counts/` })) keys.push(entry.key);
    if (keys.length === 0) return;
    // Another process may have begun a rollout since the head was read, and what was listed may be counts of that.
    const { rollout } = await this.read();
    const kept = rollout === undefined || rollout.phase === 'ended' ? undefined : this.#countsOf(rollout.id);
    const old = keys.filter((each) => kept === undefined || !each.startsWith(kept));
    if (old.length > 0) await storage.write(old.map((each) => ({ kind: 'delete', key: each })));
  }

  #countsOf(rollout: string): string {
    return `${this.#at.key}/counts/${rollout}/`;
  }
}

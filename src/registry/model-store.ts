import type { Clock } from '../core/clock.ts';
import type { Digest } from '../core/digest.ts';
import { encode } from '../core/codec.ts';
import { IntegrityError, NotFoundError } from '../core/errors.ts';
import { escapeSegment, type Key } from '../core/key.ts';
import type { Page } from '../core/page.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { PutOperation, StorageAdapter } from '../storage/contract.ts';
import { changeHead, readHead, readHeads, readHistory, type HeadLocation } from '../storage/head-record.ts';
import { lineageOperations } from '../storage/lineage.ts';
import { listAll, readValues } from '../storage/records.ts';
import type { EvaluationRecord } from './evaluation.ts';
import type { ModelReference } from './model-name.ts';
import type { ModelState, PendingRecord } from './model-state.ts';
import type { VersionRecord } from './model-version.ts';
import type { NewRegistryEvent, RegistryEvent } from './registry-event.ts';

const modelsPrefix = 'registry/models/';

/** What a decision makes of a model's state: the next one and the event that tells of it, or `undefined` for no change. */
export type ModelDecision = { readonly state: ModelState; readonly event: NewRegistryEvent } | undefined;

/** Where the registry's records lie, and how they are read and changed. All decisions are made elsewhere. */
export class ModelStore {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;

  constructor(storage: StorageAdapter, clock: Clock) {
    this.#storage = storage;
    this.#clock = clock;
  }

  /** The state of a model; throws `NotFoundError` when there is none. */
  async state(model: string, options: OperationOptions): Promise<ModelState> {
    return existing(await readHead<ModelState>(this.#head(model), options), model);
  }

  /** Changes a state together with its history, then moves the records that it made to their places. */
  async change(model: string, decide: (state: ModelState | undefined) => ModelDecision, options: OperationOptions): Promise<ModelState | undefined> {
    const { state } = await changeHead<ModelState>(
      this.#head(model),
      (before) => {
        const decision = decide(before);
        return decision && { state: decision.state, events: [decision.event] };
      },
      options,
    );
    // The change is stored by now. Where this fails, the records stay readable in the state, and the next change moves them.
    if (state) await this.settle(state, options).catch(() => undefined);
    return state;
  }

  /** Writes the records that a state still holds, then takes them out of it. */
  async settle(state: ModelState, options: OperationOptions): Promise<void> {
    if (state.pending.length === 0) return;
    await this.#storage.write(state.pending.flatMap(operationsOf), options);
    const moved = new Set(state.pending.map((record) => record.key));
    await changeHead<ModelState>(
      this.#head(state.name),
      (now) => {
        const pending = now?.pending.filter((record) => !moved.has(record.key));
        return now && pending!.length < now.pending.length ? { state: { ...now, pending: pending! }, events: [] } : undefined;
      },
      options,
    );
  }

  async history(model: string, options: OperationOptions): Promise<RegistryEvent[]> {
    await this.state(model, options);
    return (await readHistory(this.#head(model), options)) as RegistryEvent[];
  }

  /** The version that a reference points at in `state`. Throws `NotFoundError` when it points at none. */
  async version(reference: ModelReference, state: ModelState, options: OperationOptions): Promise<VersionRecord> {
    const number = numberOf(reference, state);
    const [record] = await this.versions(state, [number], options);
    if (record) return record;
    throw new IntegrityError(`The record of version ${number} of ${shown(state.name)} is missing from ${this.#storage.name}; restore it from a copy.`, {
      key: versionKey(state.name, number),
      model: state.name,
      version: number,
    });
  }

  /** Versions by number. The state must have been read before: what it holds no longer is in its place by then. */
  async versions(state: ModelState, numbers: readonly number[], options: OperationOptions): Promise<(VersionRecord | undefined)[]> {
    const keys = numbers.map((number) => versionKey(state.name, number));
    const pending = new Map(state.pending.map(({ key, value }) => [key, value as VersionRecord]));
    const missing = keys.filter((key) => !pending.has(key));
    const found = await readValues<VersionRecord>(this.#storage, missing, options);
    missing.forEach((key, i) => {
      if (found[i]) pending.set(key, found[i].value);
    });
    return keys.map((key) => pending.get(key));
  }

  /** The evaluations of a version as of `state`, oldest first. */
  async evaluations(state: ModelState, version: number, options: OperationOptions): Promise<EvaluationRecord[]> {
    const prefix = evaluationPrefix(state.name, version);
    const keys: Key[] = [];
    for await (const { key } of listAll(this.#storage, { prefix }, options)) keys.push(key);
    const records = new Map<Key, EvaluationRecord>();
    for (let at = 0; at < keys.length; at += 1_000) {
      const batch = keys.slice(at, at + 1_000);
      const found = await readValues<EvaluationRecord>(this.#storage, batch, options);
      batch.forEach((key, i) => found[i] && records.set(key, found[i].value));
    }
    for (const { key, value } of state.pending) if (key.startsWith(prefix)) records.set(key, value as EvaluationRecord);
    return [...records.values()].filter(({ revision }) => revision <= state.revision).sort((a, b) => a.revision - b.revision);
  }

  async models(after: string | undefined, limit: number, options: OperationOptions): Promise<Page<ModelState>> {
    const page = await this.#storage.list({ prefix: modelsPrefix, after: after === undefined ? undefined : modelsPrefix + after, limit }, options);
    const states = await readHeads<ModelState>(this.#storage, page.entries.map(({ key }) => key), options);
    return {
      items: states.flatMap((state) => (state ? [state] : [])),
      next: page.next?.slice(modelsPrefix.length),
    };
  }

  #head(model: string): HeadLocation {
    const blobs = (state: ModelState): readonly Digest[] => [...new Set(state.pending.flatMap((record) => record.blobs))];
    return { storage: this.#storage, key: modelsPrefix + escapeSegment(model), clock: this.#clock, blobs };
  }
}

/** The state, or `NotFoundError` when there is none. */
export function existing(state: ModelState | undefined, model: string): ModelState {
  if (state) return state;
  throw new NotFoundError(`Model ${shown(model)} does not exist; create it with registry.createModel(${shown(model)}).`, { key: model, model });
}

/** Key of a version's record. */
export function versionKey(model: string, version: number): Key {
  return `registry/versions/${escapeSegment(model)}/${padded(version)}`;
}

/** Key of an evaluation's record. */
export function evaluationKey(model: string, version: number, id: string): Key {
  return evaluationPrefix(model, version) + id;
}

function evaluationPrefix(model: string, version: number): string {
  return `registry/evaluations/${escapeSegment(model)}/${padded(version)}/`;
}

// Padded, so that the order of the keys is the order of the numbers.
function padded(version: number): string {
  return String(version).padStart(9, '0');
}

/** The number that a reference stands for in a state. */
function numberOf({ model, selector }: ModelReference, { lastVersion, stages }: ModelState): number {
  if (selector === 'latest') {
    if (lastVersion > 0) return lastVersion;
    throw new NotFoundError(`Model ${shown(model)} has no version yet; register one with registry.registerVersion().`, { key: model, model });
  }
  if ('stage' in selector) {
    const version = stages[selector.stage];
    if (version !== undefined) return version;
    throw new NotFoundError(`No version of ${shown(model)} is in ${selector.stage}; promote one with registry.promote().`, { key: model, model, stage: selector.stage });
  }
  if (selector.version <= lastVersion) return selector.version;
  const range = lastVersion === 0 ? 'it has none yet' : `its versions are 1 to ${lastVersion}`;
  throw new NotFoundError(`Model ${shown(model)} has no version ${selector.version}; ${range}.`, { key: model, model, version: selector.version });
}

function operationsOf({ key, value, blobs, edges }: PendingRecord): PutOperation[] {
  return [{ kind: 'put', key, bytes: encode(value, key), blobs, condition: 'absent' }, ...lineageOperations(edges)];
}

import { DriftMonitor, Registry, type Duration, type StorageAdapter } from 'modelkeep';
import { HttpStorage } from 'modelkeep/http';
import { actingToken } from './acting-token.ts';

/** Where the store is, and how its server knows this tool. */
export interface StoreAccess {
  readonly url: string;
  readonly secret: string;
  /** How long the tool goes on trying to reach the store before it tells its caller. */
  readonly retryWithin?: Duration | undefined;
}

/** In whose name the tool does what nobody asked it for. */
const toolActor = 'model-desk';

// #region models
/** The registry as each user may act in it, and the monitors of the models. */
export class Models implements AsyncDisposable {
  readonly #access: StoreAccess;
  readonly #own: StorageAdapter;
  readonly #storages = new Map<string, StorageAdapter>();
  readonly #monitors = new Map<string, Promise<DriftMonitor>>();

  constructor(access: StoreAccess) {
    this.#access = access;
    this.#own = this.#storageOf(toolActor);
  }

  /** The registry in the name of a user: the store's server records what is done as done by that user. */
  registryOf(user: string): Registry {
    return new Registry({ storage: this.#storageOf(user) });
  }

  /** The monitor of a model, which whoever trained it has made; rejects with `not-found` where there is none. */
  monitorOf(model: string): Promise<DriftMonitor> {
    const known = this.#monitors.get(model);
    if (known) return known;
    const opened = DriftMonitor.open({ storage: this.#own, name: model, window: { rows: 1000 } });
    this.#monitors.set(model, opened);
    // One that could not be opened is tried again by the next who asks.
    opened.catch(() => this.#monitors.delete(model));
    return opened;
  }

  /** Whether the store answers. */
  async isReady(): Promise<boolean> {
    try {
      await this.#own.read(['health'], { signal: AbortSignal.timeout(2_000) });
      return true;
    } catch {
      return false;
    }
  }

  /** Stores what was observed, and lets go of the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const opened of this.#monitors.values()) await (await opened.catch(() => undefined))?.close();
    for (const storage of this.#storages.values()) await storage.close();
  }

  #storageOf(actor: string): StorageAdapter {
    const known = this.#storages.get(actor);
    if (known) return known;
    const storage = new HttpStorage(this.#access.url, { token: actingToken(this.#access.secret, actor), retry: { within: this.#access.retryWithin ?? '10s' } });
    this.#storages.set(actor, storage);
    return storage;
  }
}
// #endregion models

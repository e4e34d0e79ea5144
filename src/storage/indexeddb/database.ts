import { promisifyRequest } from 'idb-keyval';
import type { Clock } from '../../core/clock.ts';
import { StorageError } from '../../core/errors.ts';
import { type AboutRow, createLayout, formatVersion, type KeyRanges, type StoreName, storeNames } from './layout.ts';

/** What a {@link Database} needs of its surroundings. */
export interface DatabaseContext {
  /** The name of the database. */
  readonly name: string;
  /** The host's IndexedDB; asked at each opening, throws when there is none. */
  readonly factory: () => IDBFactory;
  readonly clock: Clock;
  readonly openTimeoutMs: number;
  /** What a failure of the browser is to the caller. */
  readonly explain: (error: unknown) => Promise<Error>;
}

/** Which transaction: reading, or writing with or without waiting for the disk. */
export type TransactionMode = 'readonly' | 'strict' | 'relaxed';

/** Gives an object store of the transaction. */
export type StoreOf = (name: StoreName) => IDBObjectStore;

/** One database of the browser: opened when first needed, opened again when the browser or another tab made it close, never silently another one. */
export class Database {
  readonly #context: DatabaseContext;
  #connection: Promise<IDBDatabase> | undefined;
  #identity: string | undefined;
  #closed = false;

  constructor(context: DatabaseContext) {
    this.#context = context;
  }

  /**
   * Runs `body` in a transaction and resolves when it is committed. Inside, wait for requests of the transaction only: it ends by itself when it has none. Whatever
   * `body` throws undoes all of it.
   */
  async transact<T>(mode: TransactionMode, names: readonly StoreName[], body: (storeOf: StoreOf) => Promise<T>): Promise<T> {
    try {
      return await this.#run(await this.#begin(mode, names), body);
    } catch (error) {
      throw await this.#context.explain(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const database = await this.#connection?.catch(() => undefined);
    database?.close();
  }

  async #run<T>(transaction: IDBTransaction, body: (storeOf: StoreOf) => Promise<T>): Promise<T> {
    const ended = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      // The error is null when the transaction was aborted by us, and when the browser closed the database under it.
      transaction.onabort = () => reject((transaction.error as Error | null) ?? new DOMException('the transaction was aborted.', 'AbortError'));
    });
    // Also when `body` fails first and this is waited for later.
    ended.catch(() => undefined);
    try {
      const result = await body((name) => transaction.objectStore(name));
      await ended;
      return result;
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // It ended before.
      }
      await ended.catch(() => undefined);
      throw (transaction.error as Error | null) ?? error;
    }
  }

  async #begin(mode: TransactionMode, names: readonly StoreName[]): Promise<IDBTransaction> {
    for (let again = false; ; again = true) {
      const connection = this.#open();
      const database = await connection;
      try {
        return mode === 'readonly' ? database.transaction(names, mode) : database.transaction(names, 'readwrite', { durability: mode });
      } catch (error) {
        // The connection was closed while it was waited for.
        if (again || (error as Error).name !== 'InvalidStateError') throw error;
        this.#forget(connection);
      }
    }
  }

  #open(): Promise<IDBDatabase> {
    if (this.#closed) throw new StorageError('closed', `The storage ${this.#context.name} was closed; open another one.`);
    if (this.#connection !== undefined) return this.#connection;
    const connection: Promise<IDBDatabase> = this.#connect(() => this.#forget(connection));
    this.#connection = connection;
    connection.catch(() => this.#forget(connection));
    return connection;
  }

  #forget(connection: Promise<IDBDatabase>): void {
    if (this.#connection === connection) this.#connection = undefined;
  }

  async #connect(lost: () => void): Promise<IDBDatabase> {
    const database = await this.#request();
    database.onclose = lost;
    // Another tab wants to upgrade or delete the database and waits for us; the next call opens it again and sees what became of it.
    database.onversionchange = () => {
      lost();
      database.close();
    };
    try {
      const foreign = storeNames.some((name) => !database.objectStoreNames.contains(name));
      const about = foreign ? undefined : ((await promisifyRequest(database.transaction('about').objectStore('about').get('store'))) as AboutRow | undefined);
      if (about === undefined) throw new StorageError('not-a-store', `The database '${this.#context.name}' is another application's; give modelkeep a name of its own.`);
      if (this.#identity !== undefined && this.#identity !== about.id) throw this.#evicted();
      this.#identity = about.id;
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #request(): Promise<IDBDatabase> {
    const { name, factory, clock, openTimeoutMs } = this.#context;
    return new Promise((resolve, reject) => {
      const request = factory().open(name, formatVersion);
      let blocked = false;
      let late = false;
      let evicted = false;
      const undo = clock.setTimer(() => {
        late = true;
        const why = blocked ? 'another tab holds an older version of it open and does not let go; close that tab' : 'another tab may be deleting it, or the browser is busy';
        reject(new StorageError('unavailable', `The database '${name}' did not open within ${openTimeoutMs} ms: ${why}, and try again.`));
      }, openTimeoutMs);
      request.onblocked = () => (blocked = true);
      request.onupgradeneeded = () => {
        // It was there before: what is made anew would be an empty store in the place of a full one.
        evicted = this.#identity !== undefined;
        if (evicted) request.transaction!.abort();
        else createLayout(request.result);
      };
      request.onsuccess = () => {
        undo();
        if (late) request.result.close();
        else resolve(request.result);
      };
      request.onerror = () => {
        undo();
        reject(evicted ? this.#evicted() : request.error!);
      };
    });
  }

  #evicted(): StorageError {
    return new StorageError(
      'storage',
      `The browser evicted the database '${this.#context.name}' (or someone deleted it): what was stored in it is gone. Open a new storage to begin an empty one, and fill it from a copy; persist() asks the browser not to do this.`,
      { evicted: true },
    );
  }
}

import { promisifyRequest } from 'idb-keyval';
import type { Clock } from '../../core/clock.ts';
import { StorageError } from '../../core/errors.ts';
import type { Version } from '../contract.ts';
import { createLayout, formatVersion, type KeyRanges, type StoreName, storeNames } from './layout.ts';

/** How long opening may take: with its own tabs closing politely, it is a matter of milliseconds. */
const openTimeoutMs = 10_000;

/** What a {@link Database} needs of its surroundings. */
export interface DatabaseContext {
  /** The name of the database. */
  readonly name: string;
  /** The host's IndexedDB; asked at each opening, throws when there is none. */
  readonly factory: () => IDBFactory;
  readonly ranges: () => KeyRanges;
  readonly clock: Clock;
  /** A version that nothing in the database has had. */
  readonly newVersion: () => Version;
  /** What a failure of the browser is to the caller. */
  readonly explain: (error: unknown) => Promise<Error>;
}

/** Which transaction: reading, or writing with or without waiting for the disk. */
export type TransactionMode = 'readonly' | 'strict' | 'relaxed';

/** One database of the browser: opened when first needed, opened again when the browser or another tab made it close, never silently another one. */
export class Database {
  readonly context: DatabaseContext;
  #connection: Promise<IDBDatabase> | undefined;
  #identity: string | undefined;
  #closed = false;

  constructor(context: DatabaseContext) {
    this.context = context;
  }

  get ranges(): KeyRanges {
    return this.context.ranges();
  }

  /**
   * Runs `body` on object stores in a transaction and resolves when it is committed. Inside, wait for requests of the transaction only: it ends by itself when it has
   * none. Whatever `body` throws undoes all of it.
   */
  async transact<T>(mode: TransactionMode, names: readonly StoreName[], body: (...stores: IDBObjectStore[]) => T | Promise<T>): Promise<T> {
    try {
      const transaction = await this.#begin(mode, names);
      return await run(transaction, () => body(...names.map((name) => transaction.objectStore(name))));
    } catch (error) {
      throw await this.context.explain(error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    (await this.#connection?.catch(() => undefined))?.close();
  }

  async #begin(mode: TransactionMode, names: readonly StoreName[]): Promise<IDBTransaction> {
    for (let again = false; ; again = true) {
      if (this.#closed) throw new StorageError('closed', 'The storage was closed; open another one.');
      const connection = (this.#connection ??= this.#connect());
      try {
        return (await connection).transaction(names, mode === 'readonly' ? mode : 'readwrite', { durability: mode === 'relaxed' ? mode : 'strict' });
      } catch (error) {
        if (this.#connection === connection) this.#connection = undefined;
        // The connection was closed while it was waited for.
        if (again || (error as Error).name !== 'InvalidStateError') throw error;
      }
    }
  }

  async #connect(): Promise<IDBDatabase> {
    const database = await this.#open();
    // Another tab wants to upgrade or delete the database and waits for us, or the browser closed it; the next call opens it again and sees what became of it.
    database.onversionchange = () => database.close();
    try {
      // In another application's database this is undefined, or throws.
      const identity = (await promisifyRequest(database.transaction(storeNames).objectStore('about').get('store'))) as string | undefined;
      if (identity === undefined) throw new DOMException('there is nothing about a store', 'NotFoundError');
      if (this.#identity !== undefined && this.#identity !== identity) throw this.#evicted();
      this.#identity = identity;
      return database;
    } catch (error) {
      database.close();
      if ((error as Error).name !== 'NotFoundError') throw error;
      throw new StorageError('not-a-store', `The database '${this.context.name}' is another application's; choose another name.`, { cause: error });
    }
  }

  #open(): Promise<IDBDatabase> {
    const { name, factory, clock } = this.context;
    return new Promise((resolve, reject) => {
      const request = factory().open(name, formatVersion);
      let timeout: StorageError | undefined;
      let evicted: StorageError | undefined;
      const undo = clock.setTimer(() => {
        timeout = new StorageError('unavailable', `The database '${name}' does not open: another tab deletes it or holds an older version open. Close that tab and try again.`);
        reject(timeout);
      }, openTimeoutMs);
      request.onupgradeneeded = () => {
        // It was there before: what is made anew would be an empty store in the place of a full one.
        if (this.#identity !== undefined) evicted = this.#evicted();
        if (evicted) request.transaction!.abort();
        else createLayout(request.result);
      };
      request.onsuccess = () => {
        undo();
        if (timeout) request.result.close();
        else resolve(request.result);
      };
      request.onerror = () => {
        undo();
        reject(evicted ?? request.error!);
      };
    });
  }

  #evicted(): StorageError {
    const message = `The browser evicted the database '${this.context.name}', or someone deleted it, with all that it held. Open another storage to begin anew.`;
    return new StorageError('storage', message, { evicted: true });
  }
}

async function run<T>(transaction: IDBTransaction, body: () => T | Promise<T>): Promise<T> {
  const ended = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    // There is no error when we aborted it, nor when the browser closed the database under it.
    transaction.onabort = () => reject((transaction.error as Error | null) ?? new DOMException('the transaction was aborted', 'AbortError'));
  });
  try {
    const [result] = await Promise.all([committed(transaction, body), ended]);
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

/** Without waiting for the answers to the last requests, which a transaction does when it is left to itself. */
async function committed<T>(transaction: IDBTransaction, body: () => T | Promise<T>): Promise<T> {
  const result = await body();
  transaction.commit?.();
  return result;
}

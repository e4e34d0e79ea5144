import { StorageError } from '../../src/core/errors.ts';
import type { StorageAdapter } from '../../src/storage/contract.ts';

type Method = 'read' | 'write' | 'append' | 'list' | 'writeBlob' | 'readBlob';

/** A storage that does what it is told: fails before a call, or does the call and then loses the answer. */
export class MoodyStorage {
  readonly calls: Method[] = [];
  /** Methods that fail without being done. */
  readonly broken = new Set<Method>();
  /** Methods that are done, once, and fail all the same. */
  readonly losesAnswerOf = new Set<Method>();
  /** Held calls go on when the promise resolves. */
  held: Promise<void> | undefined;
  readonly adapter: StorageAdapter;

  constructor(inner: StorageAdapter, supports: Partial<StorageAdapter['supports']> = {}) {
    const watched = new Set<PropertyKey>(['read', 'write', 'append', 'list', 'writeBlob', 'readBlob']);
    this.adapter = new Proxy(inner, {
      get: (target, name) => {
        if (name === 'supports') return { ...target.supports, ...supports };
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (!watched.has(name)) return value.bind(target);
        return (...args: unknown[]) => this.#call(name as Method, () => (value as (...a: unknown[]) => Promise<unknown>).apply(target, args));
      },
    });
  }

  async #call(method: Method, call: () => Promise<unknown>): Promise<unknown> {
    this.calls.push(method);
    await this.held;
    if (this.broken.has(method)) throw new StorageError('storage', `The disk is out of order for ${method}.`);
    const answer = await call();
    if (this.losesAnswerOf.delete(method)) throw new StorageError('storage', `The answer of ${method} was lost.`);
    return answer;
  }
}

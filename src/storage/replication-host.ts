import type { Undo } from '../core/clock.ts';
import type { OperationOptions } from '../core/progress.ts';

/** Does `work` while nobody else does any under the same name: where several processes or tabs share a source, one of them drains it at a time. */
export type ReplicationLock = <T>(name: string, work: () => Promise<T>, options: OperationOptions) => Promise<T>;

/** Calls `wake` when it is worth trying at once, until it is undone. */
export type ReplicationWake = (wake: () => void) => Undo;

interface WebLocks {
  request<T>(name: string, options: { signal?: AbortSignal | undefined }, work: () => Promise<T>): Promise<T>;
}

interface EventSource {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

interface Host {
  readonly navigator?: { readonly locks?: WebLocks | undefined } | undefined;
  readonly document?: (EventSource & { readonly visibilityState?: string | undefined }) | undefined;
}

/** The host's Web Locks, where it has them, asked for at each call. */
export const webLock: ReplicationLock = (name, work, { signal }) => {
  const locks = (globalThis as Host).navigator?.locks;
  return typeof locks?.request === 'function' ? locks.request(name, signal ? { signal } : {}, work) : work();
};

/** The host's events that tell that there may be a network again: `online`, and a page that comes to be seen. Silent where there are none. */
export const pageWake: ReplicationWake = (wake) => {
  const host = globalThis as Host & Partial<EventSource>;
  const page = host.document;
  const seen = (): void => {
    if (page?.visibilityState !== 'hidden') wake();
  };
  const online = (): void => wake();
  host.addEventListener?.('online', online);
  page?.addEventListener('visibilitychange', seen);
  return () => {
    host.removeEventListener?.('online', online);
    page?.removeEventListener('visibilitychange', seen);
  };
};

import { describeFailure } from '../../core/failure.ts';
import { newId } from '../../core/ids.ts';
import type { Moved, Thread, ThreadEnd, ThreadProgram } from '../../core/threads/thread.ts';
import type { ThrownRecord } from '../../core/threads/thrown-record.ts';

/** What a worker tells of itself beside what all threads do. */
type OfWebWorker = { readonly type: 'crashed'; readonly thrown: ThrownRecord } | { readonly type: 'held' };

/** A Web Worker of the host, as far as it is used. */
interface HostWorker {
  postMessage(message: unknown, moved: readonly Moved[]): void;
  terminate(): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error' | 'messageerror', listener: (event: { readonly message?: string; preventDefault(): void }) => void): void;
}

/** What a host must have to run Web Workers. */
export interface WorkerGlobals {
  readonly Worker?: new (url: string, options: { readonly type: 'module'; readonly name: string }) => HostWorker;
  readonly navigator?: { readonly hardwareConcurrency?: number; readonly locks?: { request(name: string, held: () => void): Promise<unknown> } };
}

// The lock is held for as long as the worker lives: nothing else tells of one that closed itself or was taken away by the host.
const host = `
const post = (message, moved) => self.postMessage(message, moved);
const listen = (heard) => self.addEventListener('message', ({ data }) => heard(data));
const crash = (thrown) => post({ type: 'crashed', thrown: record(thrown) });
self.addEventListener('error', (event) => { event.preventDefault(); crash(event.error ?? event.message); });
self.addEventListener('unhandledrejection', (event) => { event.preventDefault(); crash(event.reason); });
const ready = self.navigator.locks && new Promise((begin) => {
  void self.navigator.locks.request(self.name, () => { post({ type: 'held' }); begin(); return new Promise(() => undefined); });
});
`;

/** A module Web Worker. */
export class WebThread<To, From extends { readonly type: string }> implements Thread<To, From> {
  readonly #globals: WorkerGlobals;
  /** Absent when the page refused it at once. */
  readonly #worker: HostWorker | undefined;
  readonly #url: string;
  readonly #name: string = `modelkeep-worker-${newId()}`;
  #listener: (said: From | ThreadEnd) => void = () => undefined;
  #ended = false;

  constructor(globals: WorkerGlobals, program: ThreadProgram) {
    this.#globals = globals;
    // Of the page's own origin, so that it may import what the page may.
    this.#url = URL.createObjectURL(new Blob([program(host)], { type: 'text/javascript' }));
    this.#worker = this.#begin();
  }

  tell(message: To, moved: readonly Moved[]): void {
    this.#worker?.postMessage(message, moved);
  }

  listen(listener: (said: From | ThreadEnd) => void): void {
    this.#listener = listener;
  }

  /** A page is not kept open by its workers. */
  keep(): void {}

  async terminate(): Promise<void> {
    this.#end({ type: 'ended' });
  }

  #begin(): HostWorker | undefined {
    const refuse = (why: string | undefined): void => this.#end({ type: 'ended', why: notBegun(why) });
    try {
      const worker = new this.#globals.Worker!(this.#url, { type: 'module', name: this.#name });
      worker.addEventListener('message', ({ data }) => this.#hear(data as From | OfWebWorker));
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        refuse(event.message);
      });
      worker.addEventListener('messageerror', () => this.#end({ type: 'ended', why: 'sent what this page cannot read.' }));
      return worker;
    } catch (error) {
      // Some browsers refuse at once what others tell of later, when there is somebody to hear of it.
      queueMicrotask(() => refuse(describeFailure(error).message));
      return undefined;
    }
  }

  #hear(message: From | OfWebWorker): void {
    const said = message as OfWebWorker;
    if (said.type === 'held') void this.#globals.navigator!.locks!.request(this.#name, () => this.#end({ type: 'ended', why: 'ended its worker; return or throw instead of closing it.' }));
    else if (said.type === 'crashed') this.#end({ type: 'ended', cause: Object.assign(new Error(said.thrown.message), { name: said.thrown.name ?? 'Error' }), why: `ended its worker with an error that nothing caught: ${said.thrown.message}` });
    else if (!this.#ended) this.#listener(message as From);
  }

  #end(end: ThreadEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#worker?.terminate();
    URL.revokeObjectURL(this.#url);
    this.#listener(end);
  }
}

/** Browsers say nothing, or little, of why they refuse a worker: where it is a policy of the page, that has to be known. */
function notBegun(why: string | undefined): string {
  const policy = "if the page has a Content-Security-Policy, have it allow them by worker-src blob: (such as `worker-src 'self' blob:`), or have it run in the page itself";
  return `was not begun, for the page could not start a Web Worker${why ? ` (${why})` : ''}: ${policy}.`;
}

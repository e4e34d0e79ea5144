import { MemoryStorage, type Clock } from 'modelkeep';
import { HttpStorage, type HttpStorageOptions } from 'modelkeep/http';
import { createStorageHandler } from 'modelkeep/server';

export type Step = (request: Request, pass: (request: Request) => Promise<Response>) => Response | Promise<Response>;

/** A request that was made, as a test looks at it. */
export interface Seen {
  readonly what: string;
  readonly headers: Headers;
}

/** A client whose requests go to a real handler unless a step is next in line for them, with no network between and a clock that only counts what is waited. */
export function fakeServer(options: HttpStorageOptions = {}): { storage: HttpStorage; store: MemoryStorage; steps: Step[]; seen: Seen[]; waits: number[] } {
  const store = new MemoryStorage();
  const handler = createStorageHandler(store, { authorize: 'public' });
  const steps: Step[] = [];
  const seen: Seen[] = [];
  const waits: number[] = [];
  const storage = new HttpStorage('http://store.test/base', {
    clock: countingClock(waits),
    random: () => 1,
    ...options,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      seen.push({ what: `${request.method} ${pathname.replace('/base/v1/', '')}`, headers: request.headers });
      const pass = (passed: Request): Promise<Response> => handler(new Request(passed.url.replace('/base', ''), passed));
      const step = steps.shift();
      return step ? step(request, pass) : pass(request);
    },
  });
  return { storage, store, steps, seen, waits };
}

/** A clock whose waits are over at once and written down; other timers never fire. */
export function countingClock(waits: number[], now = 1_700_000_000_000): Clock {
  let time = now;
  return {
    now: () => time,
    monotonic: () => time,
    setTimer(callback, ms, options) {
      if (!options?.keepAlive) return () => undefined;
      waits.push(ms);
      let undone = false;
      queueMicrotask(() => {
        if (undone) return;
        time += ms;
        callback();
      });
      return () => (undone = true);
    },
  };
}

/** An answer with a status, a text and headers. */
export function answer(status: number, text = '', headers: Record<string, string> = {}): Step {
  return () => new Response(text || null, { status, headers });
}

/** Lets the request take effect and loses the answer. */
export const loseAnswer: Step = async (request, pass) => {
  await (await pass(request)).arrayBuffer();
  throw new TypeError('fetch failed');
};

/** Passes on so many bytes of the answer and then fails, or just ends. */
export function cutAnswer(at: number, how: 'fail' | 'end' = 'fail'): Step {
  return async (request, pass) => {
    const response = await pass(request);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes.slice(0, at)),
      pull: (controller) => (how === 'end' ? controller.close() : controller.error(new TypeError('terminated'))),
    }, { highWaterMark: 0 });
    return new Response(body, { status: response.status, headers: response.headers });
  };
}

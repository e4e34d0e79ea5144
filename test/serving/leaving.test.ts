import { request } from 'node:http';
import { createServingHandler, toNodeHandler } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { settled } from '../pipelines/manual-clock.ts';
import { listen } from '../server/listening.ts';
import { by, deferred, deploy, Models, registryOf, type Asked } from './served-model.ts';

/** A deployment of a model that answers when its signal fires, or when it is let go; with the signals that it was given. */
async function waitingModel(batching?: { maxSize: number }) {
  const parts = await registryOf(1);
  await parts.registry.promote('m@1', 'production', by);
  const signals: AbortSignal[] = [];
  const asked = deferred();
  const left = deferred();
  const released = deferred();
  const wait = async (signal: AbortSignal): Promise<void> => {
    signals.push(signal);
    signal.addEventListener('abort', () => left.resolve(), { once: true });
    asked.resolve();
    await Promise.race([left.promise, released.promise]);
  };
  const load = () => ({
    ...(batching
      ? { predictBatch: async (inputs: readonly Asked[], { signal }: { signal: AbortSignal }) => (await wait(signal), inputs.map(({ x }) => 100 + x)) }
      : { predict: async ({ x }: Asked, { signal }: { signal: AbortSignal }) => (await wait(signal), 100 + x) }),
  });
  const { deployment, errors } = deploy(parts, new Models(), { load, ...(batching && { batching }) });
  await deployment.ready();
  return { deployment, errors, signals, asked: asked.promise, left: left.promise, letGo: () => released.resolve() };
}

describe('a client that leaves', () => {
  it('is told so at once, and the model when nobody waits any more; nothing is counted against the version', async () => {
    const { deployment, errors, signals, asked, left } = await waitingModel();
    const outcomes: unknown[] = [];
    deployment.on('served', (outcome) => outcomes.push(outcome));
    const caller = new AbortController();
    const answer = expect(deployment.predict({ x: 1 }, { signal: caller.signal })).rejects.toMatchObject({ code: 'aborted' });
    await asked;
    expect(signals[0]!.aborted).toBe(false);
    caller.abort();
    await answer;
    await left;
    await settled();
    expect(signals).toHaveLength(1);
    expect(outcomes).toEqual([]);
    expect(deployment.status().versions).toMatchObject([{ version: 1, inFlight: 0, queued: 0 }]);
    await deployment.close();
    expect(errors).toEqual([]);
  });

  it('takes nothing from the others of its batch: the model hears of it when the last has left', async () => {
    const { deployment, signals, asked, left, letGo } = await waitingModel({ maxSize: 2 });
    const callers = [new AbortController(), new AbortController()];
    const answers = callers.map(({ signal }, i) => deployment.predict({ x: i }, { signal }).then(({ output }) => output, (error: { code: string }) => error.code));
    await asked;
    callers[0]!.abort();
    expect(await answers[0]).toBe('aborted');
    await settled();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    callers[1]!.abort();
    await left;
    expect(await answers[1]).toBe('aborted');
    letGo();
    await deployment.close();
  });

  it('by closing its connection reaches the model behind a server', async () => {
    const { deployment, signals, asked, left } = await waitingModel();
    await using server = await listen(toNodeHandler(createServingHandler([deployment], { authorize: 'public' })));
    const call = request(`${server.url}/v1/models/m:predict`, { method: 'POST', headers: { 'content-type': 'application/json' } });
    call.on('error', () => undefined);
    call.end('{"instances":[{"x":1}]}');
    await asked;
    expect(signals[0]!.aborted).toBe(false);
    call.destroy();
    await left;
    await settled();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(deployment.status().versions).toMatchObject([{ version: 1, inFlight: 0 }]);
    await deployment.close();
  });
});

describe('versions that are swapped again and again', () => {
  it('leave nothing behind: of what was loaded all but the one in use is disposed of, once, with requests under way all the time', async () => {
    const swaps = 50;
    const parts = await registryOf(2);
    await parts.registry.promote('m@1', 'production', by);
    const living = new Set<number>();
    let made = 0;
    let most = 0;
    let twice = 0;
    const load = () => {
      const id = made++;
      living.add(id);
      most = Math.max(most, living.size);
      return {
        predict: async ({ x }: Asked) => {
          await Promise.resolve();
          if (!living.has(id)) throw new Error('asked after its end');
          return x;
        },
        dispose: () => void (living.delete(id) || twice++),
      };
    };
    const { deployment, errors } = deploy(parts, new Models(), { load });
    await deployment.ready();
    const answers: Promise<{ output: number }>[] = [];
    for (let swap = 0; swap < swaps; swap++) {
      answers.push(deployment.predict({ x: swap }));
      await parts.registry.promote(`m@${(swap % 2) + 1 === 1 ? 2 : 1}`, 'production', by);
      await deployment.refresh();
      answers.push(deployment.predict({ x: swap }));
      await settled();
    }
    expect((await Promise.all(answers)).map(({ output }) => output)).toEqual(Array.from({ length: 2 * swaps }, (_, i) => i >> 1));
    expect(made).toBe(swaps + 1);
    expect(deployment.status()).toMatchObject({ loaded: swaps + 1, disposed: swaps });
    expect(living.size).toBe(1);
    // Two at a time: the one that leaves, and the one that comes.
    expect(most).toBe(2);
    await deployment.close();
    expect([living.size, twice, deployment.status().disposed]).toEqual([0, 0, swaps + 1]);
    expect(errors).toEqual([]);
  });
});

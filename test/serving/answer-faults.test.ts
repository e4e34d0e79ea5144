import { describe, expect, it } from 'vitest';
import { Deployment, type DeploymentOptions } from 'modelkeep';
import { ManualClock, settled } from '../pipelines/manual-clock.ts';
import { deploy, Models, registryOf } from './served-model.ts';

describe('answers that are kept', () => {
  const options = (predict: (input: Float32Array) => unknown): Partial<DeploymentOptions<never, never>> => ({ follow: 1, responses: {}, load: async () => ({ predict }) as never });
  const make = async (predict: (input: Float32Array) => unknown): Promise<{ deployment: Deployment<unknown, unknown>; clock: ManualClock }> => {
    const { deployment, clock } = deploy(await registryOf(1), new Models(), options(predict) as never);
    await deployment.ready();
    return { deployment: deployment as never, clock };
  };

  it('are those of the input that was asked, though its caller writes over it meanwhile', async () => {
    const gates: (() => void)[] = [];
    const { deployment } = await make(async (input) => {
      await new Promise<void>((go) => gates.push(go));
      return input[0];
    });
    const buffer = Float32Array.of(1);
    const first = deployment.predict(buffer);
    await settled();
    buffer[0] = 2;
    gates.shift()!();
    await first;
    const again = deployment.predict(Float32Array.of(1));
    await settled();
    gates.shift()?.();
    expect((await again).output).toBe(1);
    await deployment.close();
  });

  it('are not those of an input that differs in what is no plain field', async () => {
    const { deployment } = await make((input) => Reflect.ownKeys(input).length * 1000 + ((input as unknown as { tag?: number }).tag ?? 0));
    const tag = Symbol('tag');
    const tagged = (n: number): unknown => Object.assign([1], { tag: n });
    class Row extends Array<number> {}
    const answers = [];
    for (const input of [{ a: 1 }, { a: 1, [tag]: 1 }, Object.defineProperty({ a: 1 }, 'tag', { value: 7, enumerable: false }), [1], tagged(1), tagged(2), Object.assign([1], { [tag]: 1 }), Object.assign(new Array(1), { tag: 1 }), Row.of(1)]) answers.push((await deployment.predict(input)).cached);
    expect(answers).toEqual(answers.map(() => false));
    await deployment.close();
  });

  it('are neither kept nor looked up, but given, where reading what was asked or answered throws', async () => {
    const { deployment } = await make((input) => ((input as unknown as { asks?: unknown }).asks === undefined ? 5 : thrower('answers')));
    const thrower = (name: string): object => Object.defineProperty({ asks: 1 }, name, { enumerable: true, get: () => { throw new Error('no'); } });
    expect((await deployment.predict(Object.defineProperty({}, 'x', { enumerable: true, get: () => { throw new Error('no'); } }))).output).toBe(5);
    expect(Object.keys((await deployment.predict({ asks: 1 })).output as object)).toEqual(['asks', 'answers']);
    await deployment.close();
  });

  it('keep nobody longer than their own timeout', async () => {
    const { deployment, clock } = await make(() => new Promise(() => undefined));
    const first = deployment.predict({ x: 1 }, { timeout: 90 }).catch((error: unknown) => error);
    await settled();
    let ended: unknown;
    void deployment.predict({ x: 1 }, { timeout: 100 }).catch((error: unknown) => (ended = error));
    await settled();
    await clock.advance(90);
    expect(await first).toMatchObject({ code: 'timeout' });
    await clock.advance(10);
    expect(ended).toMatchObject({ code: 'timeout' });
    const closing = deployment.close();
    await clock.advance(60_000);
    await closing;
  });
});

describe('what a request waits for', () => {
  it('is bounded where features hang', async () => {
    const parts = await registryOf(1);
    const { deployment, clock } = deploy(parts, new Models(), { follow: 1, limits: { timeout: '2s' }, features: { store: { getOnlineFeatures: () => new Promise(() => undefined) }, service: 's', entity: () => ({}) } });
    await deployment.ready();
    let ended: unknown;
    void deployment.predict({ x: 1 }).catch((error: unknown) => (ended = error));
    await clock.advance(10_000);
    expect(ended).toMatchObject({ code: expect.stringMatching(/timeout|unavailable/) as string });
    await deployment.close();
  });

  it.each([NaN, -5, '7'])('is refused when its bytes are said to be %s', async (bytes) => {
    const parts = await registryOf(1);
    const { deployment } = deploy(parts, new Models(), { follow: 1, bytesOf: () => bytes as number });
    await deployment.ready();
    await expect(deployment.predict({ x: 1 })).rejects.toThrow('bytes');
    await deployment.close();
  });
});

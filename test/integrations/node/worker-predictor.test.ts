import { workerPredictor, type WorkerThreadPredictorOptions } from 'modelkeep/node';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { systemRandom } from '../../../src/core/random.ts';
import { ModelRunner } from '../../../src/serving/execution/model-runner.ts';

const module = new URL('./model-in-thread.js', import.meta.url);
const live = { signal: new AbortController().signal };
const open: { dispose(): Promise<void> }[] = [];

async function load(options: WorkerThreadPredictorOptions = {}) {
  const model = await workerPredictor<unknown, unknown>(module, { grace: 50, ...options });
  open.push(model);
  return model;
}

afterEach(async () => {
  for (const model of open.splice(0)) await model.dispose().catch(() => undefined);
});

describe('a model in a worker thread', () => {
  it('answers there what it is asked, alone and in batches', async () => {
    const model = await load({ argument: { offset: 5 } });
    expect(model.bytes).toBe(123);
    expect(await model.predict!(1, live)).toBe(6);
    expect(await Promise.all([1, 2, 3].map((x) => model.predict!(x, live)))).toEqual([6, 7, 8]);
    const outputs = await model.predictBatch!([1, -1, 3], live);
    expect([outputs[0], outputs[2]]).toEqual([6, 8]);
    expect(outputs[1]).toMatchObject({ name: 'TypeError', message: 'negative' });
    expect(await (await load({ export: 'asFunction' })).predict!(4, live)).toBe(40);
  });

  it('copies inputs, which others may still need, and moves outputs only where it is told to', async () => {
    const model = await load();
    const input = new Float32Array([1, 2]);
    expect(await model.predict!(input, live)).toEqual(new Float32Array([2, 4]));
    expect(input).toEqual(new Float32Array([1, 2]));
    const keeping = await load({ export: 'keeping' });
    expect([await keeping.predict!(0, live), await keeping.predict!(0, live)].map((output) => (output as Float64Array)[999])).toEqual([1, 2]);
    const moving = await load({ export: 'keeping', moveOutputs: true });
    expect(((await moving.predict!(0, live)) as Float64Array).length).toBe(1000);
    // Its memory has left the thread.
    await expect(moving.predict!(0, live)).rejects.toThrow('detached');
  });

  it('throws what the model throws', async () => {
    const model = await load();
    await expect(model.predict!('fail', live)).rejects.toMatchObject({ name: 'RangeError', message: 'out of range', code: 'E_RANGE' });
    await expect(model.predict!('function', live)).rejects.toMatchObject({ code: 'model-failed' });
    await expect(model.predict!(() => 0, live)).rejects.toMatchObject({ code: 'validation', details: { path: 'input' } });
    expect(await model.predict!(1, live)).toBe(1);
  });

  it('leaves this thread free while it computes, and is ended when it does not stop; another takes its place, as it was', async () => {
    const model = await load({ argument: { offset: 1 } });
    await model.warmUp!(live);
    const controller = new AbortController();
    const spinning = model.predict!('spin', controller);
    const beside = model.predict!(1, live);
    setTimeout(() => controller.abort(), 20);
    const [first, second] = await Promise.allSettled([spinning, beside]);
    for (const outcome of [first, second]) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'worker-failed', details: { export: 'default' } } });
    expect(await model.predict!(1, live)).toBe(2);
    expect(await model.predict!('warm?', live)).toBe(true);
  });

  it('goes on where a call stops in time', async () => {
    const model = await load();
    const controller = new AbortController();
    const waiting = model.predict!('wait', controller);
    controller.abort();
    await expect(waiting).rejects.toThrow('stopped in time');
    expect(await model.predict!(1, live)).toBe(1);
  });

  it('fails what is in a thread that dies, and answers what comes after', async () => {
    const model = await load();
    await expect(model.predict!('exit', live)).rejects.toMatchObject({ code: 'worker-failed', details: { exitCode: 3 } });
    expect(await model.predict!(7, live)).toBe(7);
  });

  it('asks for its argument again when it begins another thread', async () => {
    let asked = 0;
    const model = await load({ argument: async () => ({ offset: ++asked }) });
    await expect(model.predict!('exit', live)).rejects.toMatchObject({ code: 'worker-failed' });
    expect([await model.predict!(0, live), asked]).toEqual([2, 2]);
  });

  it('says why there is none', async () => {
    await expect(load({ export: 'broken' })).rejects.toThrow('no weights');
    await expect(load({ export: 'missing' })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining("'missing'") as string });
    await expect(load({ export: 'nothing' })).rejects.toMatchObject({ code: 'validation', message: expect.stringContaining('without predict and predictBatch') as string });
    await expect(workerPredictor(new URL('./nowhere.js', import.meta.url))).rejects.toMatchObject({ code: 'not-found' });
    await expect(load({ argument: { fn: () => 0 } })).rejects.toMatchObject({ code: 'validation', details: { path: 'options.argument' } });
    await expect(load({ threads: 2 } as never)).rejects.toThrow('options has unknown options: threads');
    await expect(workerPredictor('./model.js' as never)).rejects.toThrow('give a URL');
  });

  it('is disposed of once, tells what that failed of, and answers nothing afterwards', async () => {
    const model = await load();
    await model.dispose();
    await model.dispose();
    await expect(model.predict!(1, live)).rejects.toMatchObject({ code: 'closed' });
    await expect((await load({ argument: { offset: 99 } })).dispose()).rejects.toThrow('would not let go');
  });

  it('is recycled behind a runner: a hung call costs its requests their time, and no more', async () => {
    const model = await load();
    const told: unknown[] = [];
    const runner = new ModelRunner<unknown, unknown>({ name: 'model@1', predictor: { predict: (input, call) => model.predict!(input, call) }, limits: { inFlight: 1, timeout: '10s' }, clock: systemClock, random: systemRandom, onError: (error) => told.push(error) });
    const hung = runner.run('spin', { timeoutMs: 30 });
    const next = runner.run(5);
    await expect(hung).rejects.toMatchObject({ code: 'timeout' });
    expect((await next).output).toBe(5);
    expect(told).toEqual([expect.objectContaining({ code: 'worker-failed' })]);
  });
});

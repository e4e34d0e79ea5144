import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { MemoryStorage, Tracker, type Run } from 'modelkeep';
import { tfjsBackend, tfjsCallbacks, type FitCallbacks, type TfjsRun } from 'modelkeep/tfjs';
import { KeptRun, fitLine, line, lineModel, tf } from './tfjs-fit.ts';

async function newRun(): Promise<{ tracker: Tracker; run: Run }> {
  const tracker = new Tracker({ storage: new MemoryStorage() });
  return { tracker, run: await tracker.startRun({ experiment: 'tfjs' }) };
}

/** Both kinds of callbacks. */
const kinds = [
  ['plain', (run: TfjsRun, options: object = {}) => tfjsCallbacks(run, options)],
  ['wrapped', (run: TfjsRun, options: object = {}) => tfjsCallbacks(run, { tf, ...options })],
] as const;

describe.each(kinds)('tfjsCallbacks, %s', (_kind, make) => {
  it('records what the history of the fit says, by epoch', async () => {
    const { tracker, run } = await newRun();
    const { x, y } = line();
    const history = await fitLine(make(run), { validationData: [x, y] });
    await run.end();
    for (const metric of ['loss', 'mse', 'val_loss', 'val_mse']) {
      const { steps, values } = await tracker.metricHistory(run.id, metric);
      expect([...steps], metric).toEqual([0, 1, 2]);
      expect([...values], metric).toEqual(history.history[metric]);
    }
    tf.dispose([x, y]);
  });

  it('records every batch with a step that goes on through the epochs', async () => {
    const run = new KeptRun();
    await fitLine(make(run, { batches: true }));
    expect(run.steps('batch/loss')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(run.points.flatMap(({ values }) => Object.keys(values)).filter((name) => /batch$|size$/.test(name))).toEqual([]);
    // An epoch's loss is the mean of its batches.
    const [first, second] = run.values('batch/loss');
    expect(run.values('loss')[0]).toBeCloseTo((first! + second!) / 2, 6);
  });

  it('records one batch in so many, and goes on from batches of before', async () => {
    const run = new KeptRun();
    await fitLine(make(run, { batches: 4, initialBatch: 100 }));
    expect(run.steps('batch/loss')).toEqual([100, 104]);
  });

  it('records no batch when told so', async () => {
    const run = new KeptRun();
    await fitLine(make(run, { batches: false }));
    expect(run.steps('batch/loss')).toEqual([]);
    expect(run.steps('loss')).toEqual([0, 1, 2]);
  });

  it('goes on counting when fit is called again', async () => {
    const run = new KeptRun();
    const callbacks = make(run, { batches: true });
    await fitLine(callbacks);
    await fitLine(callbacks, { epochs: 2 });
    expect(run.steps('loss')).toEqual([0, 1, 2, 3, 4]);
    expect(run.steps('batch/loss')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('takes the numbers of a fit that counts on by itself', async () => {
    const run = new KeptRun();
    const callbacks = make(run);
    await fitLine(callbacks);
    await fitLine(callbacks, { initialEpoch: 3, epochs: 5 });
    expect(run.steps('loss')).toEqual([0, 1, 2, 3, 4]);
    const resumed = new KeptRun();
    await fitLine(make(resumed), { initialEpoch: 3, epochs: 5 });
    expect(resumed.steps('loss')).toEqual([3, 4]);
  });

  it('goes on from the epochs that a resumed run has had', async () => {
    const run = new KeptRun();
    await fitLine(make(run, { initialEpoch: 7 }));
    expect(run.steps('loss')).toEqual([7, 8, 9]);
  });

  it('records a loss that is not a number as what it is', async () => {
    const { tracker, run } = await newRun();
    await fitLine(make(run, { batches: true }), { epochs: 60 }, lineModel({ learningRate: 1e10 }));
    await run.end();
    expect((await tracker.metricHistory(run.id, 'loss')).values.at(-1)).toBeNaN();
    expect((await tracker.metricHistory(run.id, 'batch/loss')).values).toContain(Infinity);
    expect((await tracker.getRun(run.id)).metrics['loss']?.value).toBeNaN();
  });

  it('leaves training alone when the run is broken, and tells of it', async () => {
    const errors: unknown[] = [];
    const broken: TfjsRun = {
      logMetrics: () => {
        throw new Error('no disk');
      },
    };
    const history = await fitLine(make(broken, { batches: true, onError: (error: unknown) => errors.push(error) }));
    expect(history.epoch).toEqual([0, 1, 2]);
    expect(errors).toHaveLength(9);
    expect(errors[0]).toEqual(new Error('no disk'));
    await expect(fitLine(make(broken))).resolves.toBeDefined();
  });

  it('leaves training alone when who is told of errors fails, or a tracker fails later', async () => {
    const told: unknown[] = [];
    const late = { logMetrics: (async () => Promise.reject(new Error('later'))) as () => void };
    await fitLine(make(late, { batches: false, onError: (error: unknown) => told.push(error) }));
    expect(told).toHaveLength(3);
    const { run } = await newRun();
    await run.end();
    const failing = make(run, {
      onError: () => {
        throw new Error('and so does the listener');
      },
    });
    expect((await fitLine(failing)).epoch).toEqual([0, 1, 2]);
  });

  it('loses one oddly named value, not those beside it', async () => {
    const { tracker, run } = await newRun();
    const errors: Error[] = [];
    const callbacks = make(run, { onError: (error: Error) => errors.push(error) }) as { onTrainBegin(): unknown; onEpochBegin(epoch: number): unknown; onEpochEnd(epoch: number, logs: object): unknown };
    await callbacks.onTrainBegin();
    await callbacks.onEpochBegin(0);
    await callbacks.onEpochEnd(0, { loss: 1, 'a+b_loss': 2, acc: 3 });
    await run.end();
    expect(Object.keys((await tracker.getRun(run.id)).metrics).sort()).toEqual(['acc', 'loss']);
    expect(errors.map(({ message }) => message)).toEqual([expect.stringMatching(/"\+"/)]);
  });

  it('never waits for the storage', async () => {
    let answered = 0;
    const slow = {
      logMetrics: (() => new Promise<void>(() => answered++)) as () => void,
      logParams: () => new Promise<void>(() => answered++),
      setTags: () => new Promise<void>(() => answered++),
    };
    expect((await fitLine(make(slow, { batches: true, shuffle: false }))).epoch).toEqual([0, 1, 2]);
    expect(answered).toBeGreaterThan(8);
  });

  it.each(['yield', true, 3])('leaves no tensor behind, with batches: %s', async (batches) => {
    const [model, run] = [lineModel(), new KeptRun()];
    await fitLine(make(run, { batches }), { yieldEvery: 1, epochs: 1 }, model);
    const { numTensors, numBytes } = tf.memory();
    await fitLine(make(run, { batches }), { yieldEvery: 1, epochs: 20 }, model);
    expect(tf.memory()).toMatchObject({ numTensors, numBytes });
    model.dispose();
  });

  it('records batches and epochs of fitDataset', async () => {
    const run = new KeptRun();
    const model = lineModel();
    const before = tf.memory().numTensors;
    await model.fitDataset(fourBatches(), { epochs: 2, verbose: 0, callbacks: make(run, { batches: true }) });
    expect(run.steps('batch/loss')).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(run.steps('loss')).toEqual([0, 1]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('puts a prefix before all names, so that one run may hold several trainings', async () => {
    const run = new KeptRun();
    await fitLine(make(run, { batches: true, prefix: 'fold1/', shuffle: false }));
    expect(new Set(run.points.flatMap(({ values }) => Object.keys(values)))).toEqual(new Set(['fold1/loss', 'fold1/mse', 'fold1/batch/loss', 'fold1/batch/mse']));
    expect(run.tags).toEqual({ 'fold1/fit/shuffle': 'false' });
  });

  it('has the run warn of a shuffle that nobody seeded', async () => {
    for (const [shuffle, warns] of [[true, true], [false, false]] as const) {
      const { tracker, run } = await newRun();
      await fitLine(make(run, { shuffle }), { shuffle });
      await run.end();
      const { warnings } = await tracker.reproduction(run.id);
      expect(warnings.some(({ code }) => code === 'unseeded-shuffle')).toBe(warns);
    }
  });

  it('ends the run by its scope, not by the fit, since a fit that fails tells nobody', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    const seen: string[] = [];
    const others: FitCallbacks = {
      onEpochEnd: () => {
        throw new Error('of another callback');
      },
      onTrainEnd: () => void seen.push('onTrainEnd'),
    };
    const train = async (run: Run): Promise<unknown> => {
      const own = make(run);
      return fitLine(own instanceof tf.CustomCallback ? [own, new tf.CustomCallback(others)] : [own, others]);
    };
    await expect(tracker.withRun({ experiment: 'tfjs' }, train)).rejects.toThrow('of another callback');
    expect(seen).toEqual([]);
    const [failed] = (await tracker.listRuns()).items;
    expect(failed).toMatchObject({ status: 'failed', error: { message: 'of another callback' }, metrics: { loss: { step: 0 } } });
  });
});

/** Four batches of two rows, as tf.data would give them. */
function fourBatches(): Parameters<tfl.LayersModel['fitDataset']>[0] {
  const iterator = async (): Promise<{ next(): Promise<{ value: object | null; done: boolean }> }> => {
    let left = 4;
    return { next: async () => (left-- > 0 ? { value: { xs: tf.tensor2d([1, 2], [2, 1]), ys: tf.tensor2d([2, 4], [2, 1]) }, done: false } : { value: null, done: true }) };
  };
  return { iterator } as never;
}

describe('tfjsCallbacks, plain', () => {
  it('are functions that need no object, which TensorFlow.js takes one by one', async () => {
    const run = new KeptRun();
    const { onTrainBegin, onEpochBegin, onBatchBegin, onBatchEnd, onEpochEnd, onTrainEnd } = tfjsCallbacks(run, { batches: true });
    await fitLine({ onTrainBegin: onTrainBegin!, onEpochBegin: onEpochBegin!, onBatchBegin: onBatchBegin!, onBatchEnd: onBatchEnd!, onEpochEnd: onEpochEnd!, onTrainEnd: onTrainEnd! });
    expect(run.points).toHaveLength(9);
  });

  it('do not go with earlyStopping, which is why there are wrapped ones', async () => {
    const stopping = (): tfl.EarlyStopping => tf.callbacks.earlyStopping({ monitor: 'loss' });
    await expect(fitLine([tfjsCallbacks(new KeptRun()), stopping()])).rejects.toThrow(/getMonitorValue/);
    await expect(fitLine([stopping(), tfjsCallbacks(new KeptRun())])).rejects.toThrow(/setParams/);
  });

  it('need batches: false where a fit may not yield', async () => {
    await expect(fitLine(tfjsCallbacks(new KeptRun()), { yieldEvery: 'never' })).rejects.toThrow(/yieldEvery is `never`/);
    const run = new KeptRun();
    await fitLine(tfjsCallbacks(run, { batches: false }), { yieldEvery: 'never' });
    expect(run.steps('loss')).toEqual([0, 1, 2]);
  });

  it('read batches only when the fit yields, as often as it is told to', async () => {
    const [often, never] = [new KeptRun(), new KeptRun()];
    // Between two batches there is more than no time at all.
    await fitLine(tfjsCallbacks(often), { yieldEvery: 1e-9 });
    await fitLine(tfjsCallbacks(never), { yieldEvery: 1e9 });
    expect(often.steps('batch/loss')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(never.steps('batch/loss')).toEqual([]);
  });
});

describe('tfjsCallbacks, wrapped', () => {
  it.each(['before', 'behind'])('goes with earlyStopping %s it', async (place) => {
    const run = new KeptRun();
    const own = tfjsCallbacks(run, { tf, batches: true });
    // The loss cannot be 1e9 better than before, so the second epoch is the last.
    const stopping = tf.callbacks.earlyStopping({ monitor: 'loss', minDelta: 1e9, patience: 1 });
    await fitLine(place === 'before' ? [own, stopping] : [stopping, own], { epochs: 50 });
    expect(run.steps('loss')).toEqual([0, 1]);
    expect(run.steps('batch/loss')).toEqual([0, 1, 2, 3]);
  });

  it('records what the fit was called with, and each fit apart, for params do not change', async () => {
    const { tracker, run } = await newRun();
    const errors: unknown[] = [];
    const callbacks = tfjsCallbacks(run, { tf, params: true, onError: (error) => errors.push(error) });
    await fitLine(callbacks);
    await fitLine(callbacks, { epochs: 5, batchSize: 8 });
    await lineModel().fitDataset(fourBatches(), { epochs: 1, verbose: 0, callbacks });
    await run.logParams({ done: true });
    await run.end();
    expect((await tracker.getRun(run.id)).params).toEqual({
      'fit/epochs': 3,
      'fit/initialEpoch': 0,
      'fit/batchSize': 4,
      'fit/samples': 8,
      'fit/doValidation': false,
      'fit2/epochs': 5,
      'fit2/initialEpoch': 0,
      'fit2/batchSize': 8,
      'fit2/samples': 8,
      'fit2/doValidation': false,
      'fit3/epochs': 1,
      'fit3/doValidation': false,
      done: true,
    });
    expect(errors).toEqual([]);
  });

  it('takes its own yieldEvery, since the one of fit does not reach it', async () => {
    const [often, never] = [new KeptRun(), new KeptRun()];
    await fitLine(tfjsCallbacks(often, { tf, yieldEvery: 1e-9 }));
    await fitLine(tfjsCallbacks(never, { tf, yieldEvery: 'never' }));
    expect(often.steps('batch/loss')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(never.steps('batch/loss')).toEqual([]);
    expect(never.steps('loss')).toEqual([0, 1, 2]);
  });

  it('reads from the device only the batches that it records', async () => {
    const reads: number[] = [];
    let batch = 0;
    const run = new KeptRun();
    const callback = tfjsCallbacks(run, { tf, batches: 2, yieldEvery: 'never' });
    const logs = (): { loss: { data(): Promise<Float32Array> } } => ({ loss: { data: async () => (reads.push(batch), Float32Array.of(batch)) } });
    for (; batch < 5; batch++) {
      await callback.onBatchBegin(batch, {});
      await callback.onBatchEnd(batch, logs() as never);
    }
    expect(reads).toEqual([0, 2, 4]);
    expect(run.values('batch/loss')).toEqual([0, 2, 4]);
  });

  it('tells of a batch that cannot be read, and trains on', async () => {
    const errors: unknown[] = [];
    const callback = tfjsCallbacks(new KeptRun(), { tf, batches: true, yieldEvery: 'never', onError: (error) => errors.push(error) });
    await callback.onBatchBegin(0, {});
    await callback.onBatchEnd(0, { loss: { data: () => Promise.reject(new Error('context lost')) } } as never);
    expect(errors).toEqual([new Error('context lost')]);
  });
});

describe('a signal', () => {
  const plain = (run: TfjsRun, signal: AbortSignal, model: tfl.LayersModel): FitCallbacks => tfjsCallbacks(run, { signal, model, batches: true });
  const wrapped = (run: TfjsRun, signal: AbortSignal): tfl.CustomCallback => tfjsCallbacks(run, { tf, signal, batches: true });

  it.each([['plain', plain], ['wrapped', wrapped]] as const)('ends the training in the midst of an epoch, and what there is of it is recorded: %s', async (_kind, make) => {
    const [run, model, abort] = [new KeptRun(), lineModel(), new AbortController()];
    const logMetrics = run.logMetrics.bind(run);
    run.logMetrics = (values, at) => {
      logMetrics(values, at);
      if (at.step === 2 && 'batch/loss' in values) abort.abort();
    };
    const history = await fitLine(make(run, abort.signal, model), { epochs: 10 }, model);
    expect(run.steps('batch/loss')).toEqual([0, 1, 2]);
    expect(run.steps('loss')).toEqual([0, 1]);
    expect(history.epoch).toEqual([0, 1]);
  });

  it.each([['plain', plain], ['wrapped', wrapped]] as const)('that was aborted before lets one batch pass, no more: %s', async (_kind, make) => {
    const [run, model] = [new KeptRun(), lineModel()];
    await fitLine(make(run, AbortSignal.abort(), model), { epochs: 10 }, model);
    expect(run.steps('batch/loss')).toEqual([0]);
  });

  it('is not listened to after the fit', async () => {
    const [model, abort] = [lineModel(), new AbortController()];
    await fitLine(plain(new KeptRun(), abort.signal, model), {}, model);
    abort.abort();
    expect(model.stopTraining).toBe(false);
  });

  it('is refused where nothing is known that it could stop', () => {
    expect(() => tfjsCallbacks(new KeptRun(), { signal: new AbortController().signal })).toThrow(/give the model, or tf/);
  });
});

describe('what cannot be', () => {
  const run = new KeptRun();
  const silent: TfjsRun = { logMetrics: () => undefined };
  it.each([
    [{} as TfjsRun, {}, /^run is {}/],
    [null as never, {}, /^run is null/],
    [run, { batches: 0 }, /^batches is 0/],
    [run, { batches: 1.5 }, /^batches is 1.5/],
    [run, { batches: 'all' }, /^batches is "all"/],
    [run, { prefix: 5 }, /^prefix is 5/],
    [run, { initialEpoch: -1 }, /^initialEpoch is -1/],
    [run, { initialBatch: NaN }, /^initialBatch is NaN/],
    [run, { shuffle: 'batch' }, /^shuffle is "batch"/],
    [run, { signal: true, tf }, /^signal is true/],
    [run, { params: true }, /give tf as well/],
    [run, { tf: {} }, /^tf has no CustomCallback/],
    [silent, { tf, params: true }, /no logParams\(\)/],
    [silent, { shuffle: true }, /no setTags\(\)/],
  ])('is refused at once: %#', (given, options, message) => {
    expect(() => tfjsCallbacks(given, options as never)).toThrow(message);
  });
});

describe('types', () => {
  it('are those of the real packages, without importing them', () => {
    const [model, run] = [lineModel(), new KeptRun()];
    const fit = (callbacks: tfl.ModelFitArgs['callbacks']): unknown => callbacks;
    expectTypeOf(tfjsCallbacks(run)).toEqualTypeOf<FitCallbacks>();
    expectTypeOf(tfjsCallbacks(run, { tf })).toEqualTypeOf<tfl.CustomCallback>();
    expectTypeOf(tfjsCallbacks(run, { tf: tfl })).toEqualTypeOf<tfl.CustomCallback>();
    expectTypeOf<Run>().toExtend<TfjsRun>();
    fit(tfjsCallbacks(run));
    fit([tfjsCallbacks(run), { onEpochEnd: async () => undefined }]);
    fit(tfjsCallbacks(run, { tf }));
    fit([tfjsCallbacks(run, { tf }), tf.callbacks.earlyStopping()]);
    fit(tfjsCallbacks(run, { model }));
    new tf.CustomCallback(tfjsCallbacks(run));
    // @ts-expect-error params are told to the wrapped kind only
    expect(() => tfjsCallbacks(run, { params: true })).toThrow();
  });
});

describe('tfjsBackend', () => {
  it('says what computes, and what it holds', async () => {
    await tf.ready();
    const before = tfjsBackend(tf);
    expect(before).toMatchObject({ backend: 'cpu', version: tf.version_core });
    const tensor = tf.zeros([1000]);
    expect(tfjsBackend(tf)).toMatchObject({ tensors: before.tensors + 1, bytes: before.bytes + 4000 });
    tensor.dispose();
    const { tracker, run } = await newRun();
    await run.logParams({ tfjs: before });
    await run.end();
    expect((await tracker.getRun(run.id)).params).toEqual({ tfjs: before });
  });

  it('says what the GPU holds where there is one', () => {
    const source = { getBackend: () => 'webgl', memory: () => ({ numTensors: 1, numBytes: 4, numBytesInGPU: 64 }) };
    expect(tfjsBackend(source)).toEqual({ backend: 'webgl', tensors: 1, bytes: 4, bytesOnGpu: 64 });
  });

  it('asks for a backend where there is none', () => {
    const source = {
      getBackend: () => '',
      memory: () => {
        throw new Error('No backend found in registry.');
      },
    };
    expect(() => tfjsBackend(source)).toThrow(/await tf.ready/);
  });
});

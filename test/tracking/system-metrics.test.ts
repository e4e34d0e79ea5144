import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { MemoryStorage, Tracker, type SystemMetrics } from 'modelkeep';
import { nodeEnvironment } from 'modelkeep/node';
import { browserSystemMetrics } from '../../src/integrations/browser/browser-system-metrics.ts';
import { nodeSystemMetrics } from '../../src/integrations/node/node-system-metrics.ts';
import { sampleSystemMetrics, tfjsMemoryValues } from '../../src/tracking/system-metrics.ts';
import { ManualClock } from './manual-clock.ts';

function counting(): SystemMetrics & { closed: number } {
  let reads = 0;
  const source = { closed: 0, open: () => ({ read: () => ({ 'a.b': ++reads, unknown: NaN }), close: () => void source.closed++ }) };
  return source;
}

describe('the sampler', () => {
  it('logs under system/ with steps of its own, and once more when it is stopped', async () => {
    const clock = new ManualClock(0);
    const logged: unknown[] = [];
    const source = counting();
    const stop = sampleSystemMetrics({ source, clock, intervalMs: 10, firstStep: 5, log: (values, at) => logged.push([values, at]) });
    await clock.pass(25);
    stop();
    stop();
    expect(logged).toEqual([
      [{ 'system/a.b': 1 }, { step: 5, timestamp: 10 }],
      [{ 'system/a.b': 2 }, { step: 6, timestamp: 20 }],
      [{ 'system/a.b': 3 }, { step: 7, timestamp: 25 }],
    ]);
    expect([source.closed, clock.timers]).toEqual([1, 0]);
  });

  it('never throws: three failures in a row end it and are told once', async () => {
    const clock = new ManualClock(0);
    const told: unknown[] = [];
    const onError = (error: unknown): void => {
      told.push(error);
      throw new Error('the listener fails too');
    };
    const log = (): void => {
      throw new Error('closed');
    };
    const stop = sampleSystemMetrics({ source: counting(), clock, intervalMs: 10, log, onError });
    await clock.pass(100);
    stop();
    expect(told).toEqual([expect.objectContaining({ message: 'closed' })]);
    expect(clock.timers).toBe(0);
    const broken: SystemMetrics = { open: () => { throw new Error('no host'); } };
    sampleSystemMetrics({ source: broken, clock, intervalMs: 10, log, onError })();
    expect(told).toHaveLength(2);
    expect(() => sampleSystemMetrics({ source: broken, clock, intervalMs: 0, log })).toThrow('intervalMs');
  });
});

describe('the sources', () => {
  it('tell of this process', async () => {
    const reader = nodeSystemMetrics({ tf: { memory: () => ({ numTensors: 3, numBytes: 12 }) } }).open();
    // The delay of the loop is told from the second tick of its timer on.
    await new Promise((resolve) => setTimeout(resolve, 60));
    const end = performance.now() + 60;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const values = reader.read();
    reader.close();
    expect(values['cpu.utilization']).toBeGreaterThan(0);
    expect(values['cpu.utilization']).toBeLessThanOrEqual(1);
    expect(values['memory.rss']).toBeGreaterThan(values['memory.heapUsed']!);
    expect(values['eventLoop.delayMax']).toBeGreaterThan(10);
    expect(values['tfjs.numBytes']).toBe(12);
  });

  it('keep no process alive', () => {
    const program = `
      import { nodeSystemMetrics } from './src/integrations/node/node-system-metrics.ts';
      import { sampleSystemMetrics } from './src/tracking/system-metrics.ts';
      import { systemClock } from './src/core/clock.ts';
      sampleSystemMetrics({ source: nodeSystemMetrics(), clock: systemClock, intervalMs: 60000, log: () => undefined });`;
    execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { timeout: 100_000 });
  });

  it('tell how late timers are in a page', async () => {
    const clock = new ManualClock(0);
    const reader = browserSystemMetrics({ clock }).open();
    expect(reader.read()).toEqual({});
    await clock.pass(1000);
    expect(reader.read()).toMatchObject({ 'eventLoop.delay': 0, 'eventLoop.delayMax': 0 });
    reader.close();
    expect(clock.timers).toBe(0);
  });

  it('leave out a TensorFlow.js that cannot tell', () => {
    expect(tfjsMemoryValues(undefined)).toEqual({});
    expect(tfjsMemoryValues({ memory: () => { throw new Error('no backend'); } })).toEqual({});
    expect(tfjsMemoryValues({ memory: () => ({ numTensors: 1, numBytes: 4, numBytesInGPU: 8 }) })).toEqual({ 'tfjs.numTensors': 1, 'tfjs.numBytes': 4, 'tfjs.numBytesInGPU': 8 });
  });
});

describe('the load of the host', () => {
  it('is logged by every run with an environment that tells it, unless it is not wanted', async () => {
    const source = { open: () => ({ read: () => ({ 'cpu.utilization': 0.5 }), close: () => undefined }) };
    const environment = { describe: async () => ({ runtime: 'test' }), onExit: () => () => undefined, systemMetrics: source };
    const storage = new MemoryStorage();
    const namesOf = async (tracker: Tracker, own: { systemMetrics?: false } = {}): Promise<string[]> => {
      const run = await tracker.startRun({ experiment: 'e', ...own });
      run.logMetrics({ loss: 1 });
      return Object.keys((await run.end()).metrics).sort();
    };
    expect(await namesOf(new Tracker({ storage, environment }))).toEqual(['loss', 'system/cpu.utilization']);
    expect(await namesOf(new Tracker({ storage, environment }), { systemMetrics: false })).toEqual(['loss']);
    expect(await namesOf(new Tracker({ storage, environment, systemMetrics: false }))).toEqual(['loss']);
    expect(await namesOf(new Tracker({ storage }))).toEqual(['loss']);
    expect(() => new Tracker({ storage, systemMetrics: true as never })).toThrow(/systemMetrics is true/);
    expect(nodeEnvironment().systemMetrics!.open().read()['memory.rss']).toBeGreaterThan(0);
  });

  it('is no difference between runs, but is there to be compared', async () => {
    const load = [0.5, 0.9];
    const tracker = new Tracker({ storage: new MemoryStorage(), systemMetrics: { open: () => ({ read: () => ({ 'cpu.utilization': load.shift()! }), close: () => undefined }) } });
    const ids: string[] = [];
    for (const loss of [1, 2]) await tracker.withRun({ experiment: 'e' }, (run) => void (ids.push(run.id), run.logMetrics({ loss })));
    expect((await tracker.compareRuns(ids, { only: 'differences' })).metrics.map(({ name }) => name)).toEqual(['loss']);
    expect((await tracker.compareRuns(ids)).metrics.map(({ name }) => name).sort()).toEqual(['loss', 'system/cpu.utilization']);
  });
});

import { describe, expect, it } from 'vitest';
import { MemoryStorage, profileData, Tracker, toCsv, type Run, type SystemMetrics } from 'modelkeep';
import { ManualClock } from './manual-clock.ts';

/** A type that holds itself, as libraries have it. */
type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

async function started(): Promise<{ tracker: Tracker; run: Run }> {
  const tracker = new Tracker({ storage: new MemoryStorage() });
  return { tracker, run: await tracker.startRun({ experiment: 'e' }) };
}

describe('artifacts through the tracker', () => {
  it('take plain data of any type as JSON, such as a profile, and nothing else', async () => {
    const { tracker, run } = await started();
    const profile = profileData({ x: [1, 2, 3, null], city: ['a', 'b', 'a', 'b'] }, { prediction: 'city' });
    await run.logJson('profile.json', profile);
    expect(await tracker.readArtifactJson(run.id, 'profile.json')).toEqual(profile);
    // @ts-expect-error a function is no data
    await expect(run.logJson('f.json', { f: () => 1 })).rejects.toMatchObject({ code: 'validation' });
    // @ts-expect-error a map is no plain data
    await expect(run.logJson('m.json', new Map([['a', 1]]))).rejects.toMatchObject({ code: 'validation' });
    // @ts-expect-error a list has no holes
    await expect(run.logJson('l.json', [1, undefined])).rejects.toMatchObject({ code: 'validation' });
    const json: Json = { list: [1, { deep: null }] };
    await run.logJson('json.json', { json });
    expect(await tracker.readArtifactJson(run.id, 'json.json')).toEqual({ json });
    const unknown: unknown = 1;
    // @ts-expect-error what it is is not known
    await run.logJson('u.json', unknown);
  });

  it('come back in the form they were logged in', async () => {
    const { tracker, run } = await started();
    await run.logText('notes/a.txt', 'hé');
    await run.logJson('config.json', { lr: 0.1, best: NaN });
    await run.logTable('predictions', { columns: { actual: [1, null, 3], name: ['a', 'b,c', 'd'] } });
    const image = await run.logImage('plot', { width: 2, height: 1, data: new Uint8ClampedArray([255, 0, 0, 255, 0, 255, 0, 128]) });
    const figure = await run.logFigure('curve.svg', '<svg xmlns="http://www.w3.org/2000/svg"></svg>');
    await run.logArtifacts([
      { name: 'w/1.bin', content: new Uint8Array([1, 2, 3, 4]) },
      { name: 'w/2.bin', content: new Uint8Array([5]) },
    ]);
    await run.end();

    expect(await tracker.readArtifactText(run.id, 'notes/a.txt')).toBe('hé');
    expect(await tracker.readArtifactJson(run.id, 'config.json')).toEqual({ lr: 0.1, best: NaN });
    const table = await tracker.readTable(run.id, 'predictions');
    expect([...toCsv(table)].join('')).toBe('actual,name\r\n1,a\r\n,"b,c"\r\n3,d\r\n');
    expect((await tracker.readArtifact(run.id, 'plot')).subarray(1, 4)).toEqual(new TextEncoder().encode('PNG'));
    expect([image.mediaType, figure.mediaType]).toEqual(['image/png', 'image/svg+xml']);
    expect([...(await tracker.readArtifactRange(run.id, 'w/1.bin', { start: 1, end: 3 }))]).toEqual([2, 3]);
    expect((await tracker.listArtifacts(run.id, { prefix: 'w/' })).items.map(({ name }) => name)).toEqual(['w/1.bin', 'w/2.bin']);
    expect((await tracker.browseArtifacts(run.id)).items).toHaveLength(6);
    await tracker.deleteArtifact(run.id, 'w/1.bin');
    await expect(tracker.readArtifact(run.id, 'w/1.bin')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('belong to a run that exists and is open', async () => {
    const { tracker, run } = await started();
    await run.end();
    const closed = [() => run.logText('a', 'b'), () => run.logJson('a', 1), () => run.logTable('a', { columns: { x: [1] } }), () => run.logFigure('a', '<svg/>'), () => run.logArtifacts([])];
    for (const call of closed) await expect(call()).rejects.toMatchObject({ code: 'closed' });
    const absent = [() => tracker.listArtifacts('x'), () => tracker.browseArtifacts('x'), () => tracker.readTable('x', 'a'), () => tracker.deleteArtifact('x', 'a'), () => tracker.readArtifactText('x', 'a')];
    for (const call of absent) await expect(call()).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('the load of the host through the tracker', () => {
  const source: SystemMetrics = { open: () => ({ read: () => ({ 'cpu.utilization': 0.5 }), close: () => undefined }) };

  it('is logged while a run is open, once more at its end, and by later steps when it is resumed', async () => {
    const clock = new ManualClock();
    const tracker = new Tracker({ storage: new MemoryStorage(), clock, systemMetrics: source, systemMetricsInterval: '1s' });
    const run = await tracker.startRun({ experiment: 'e' });
    await clock.pass(2_500);
    await run.end();
    expect([...(await tracker.metricHistory(run.id, 'system/cpu.utilization')).steps]).toEqual([0, 1, 2]);
    await clock.pass(10_000);
    const resumed = await tracker.startRun({ resume: run.id });
    await resumed.end();
    expect([...(await tracker.metricHistory(run.id, 'system/cpu.utilization')).steps]).toEqual([0, 1, 2, 12]);
    expect(clock.timers).toBe(0);
  });

  it('is left out of a run that does not want it, and keeps none from starting', async () => {
    const clock = new ManualClock();
    const told: unknown[] = [];
    const broken: SystemMetrics = {
      open: () => {
        throw new Error('no counters here');
      },
    };
    const storage = new MemoryStorage();
    const quiet = await new Tracker({ storage, clock, systemMetrics: source }).startRun({ experiment: 'e', systemMetrics: false });
    expect((await quiet.end()).metrics).toEqual({});
    const run = await new Tracker({ storage, clock, systemMetrics: broken, onError: (error) => told.push(error) }).startRun({ experiment: 'e' });
    expect((await run.end()).metrics).toEqual({});
    expect(told).toEqual([expect.objectContaining({ message: 'no counters here' })]);
    expect(() => new Tracker({ storage, systemMetrics: {} as never })).toThrow(/systemMetrics is/);
    expect(() => new Tracker({ storage, systemMetricsInterval: 0 })).toThrow(/systemMetricsInterval/);
  });
});

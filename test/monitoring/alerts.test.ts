import { DriftMonitor, MemoryStorage, Pipeline, profileData, startWebhook, verifyWebhook, type DriftAlert, type MonitorAlertOptions, type StorageAdapter } from 'modelkeep';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';
import '../../src/pipelines/launching/launch-worker.ts';
import '../../src/pipelines/triggers/trigger.ts';
import { ManualClock, settled } from '../pipelines/manual-clock.ts';
import { lengthen } from '../ui/long-histories.ts';

const values = Float64Array.from({ length: 500 }, (_, i) => i);
const reference = profileData({ x: values, score: values }, { prediction: 'score' });
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

function monitorOn(storage: StorageAdapter, clock: ManualClock, alerts?: MonitorAlertOptions): DriftMonitor {
  return new DriftMonitor({ storage, name: 'm', reference, window: { rows: 500 }, clock, alerts });
}

/** Feeds and closes one window: as the reference, drifted, with predictions that drifted, or with too few rows to judge. */
async function window(monitor: DriftMonitor, kind: 'same' | 'drifted' | 'predicted' | 'few'): Promise<void> {
  for (let i = 0; i < (kind === 'few' ? 5 : 500); i++) {
    monitor.observe({ features: { x: i + (kind === 'drifted' ? 400 : 0) }, prediction: i + (kind === 'predicted' ? 400 : 0) });
  }
  await monitor.check({ close: true });
}

function told(monitor: DriftMonitor): string[] {
  const found: string[] = [];
  monitor.on('alert', ({ kind, status, window: number, since, severity }: DriftAlert) => found.push(`${kind} ${status} ${since}-${number} ${severity}`));
  return found;
}

describe('alerts', () => {
  it('fire once when a kind drifts, and are resolved when a window is judged stable', async () => {
    const monitor = monitorOn(new MemoryStorage(), new ManualClock(), { severity: { 'prediction-drift': 'critical' } });
    const found = told(monitor);
    for (const kind of ['same', 'drifted', 'drifted', 'few', 'same', 'predicted', 'same'] as const) await window(monitor, kind);
    expect(found).toEqual([
      'data-drift firing 2-2 warning',
      'data-drift resolved 2-5 warning',
      'prediction-drift firing 6-6 critical',
      'prediction-drift resolved 6-7 critical',
    ]);
  });

  it('wait for as many windows in a row as they are told, whichever processes close them and though they restart', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const monitors = [1, 2, 3].map(() => monitorOn(storage, clock, { for: 3 }));
    const found = monitors.map(told);
    for (const [i, kind] of (['drifted', 'drifted', 'same', 'drifted', 'few', 'drifted', 'drifted', 'drifted'] as const).entries()) await window(monitors[i % 3]!, kind);
    expect(found).toEqual([['data-drift firing 4-7 warning'], [], []]);
  });

  it('fire again only when their cooldown is over, and then if there still is reason to', async () => {
    const clock = new ManualClock();
    const monitor = monitorOn(new MemoryStorage(), clock, { cooldown: '1h' });
    const found = told(monitor);
    for (const kind of ['drifted', 'same', 'drifted', 'same', 'drifted'] as const) await window(monitor, kind);
    expect(found).toEqual(['data-drift firing 1-1 warning', 'data-drift resolved 1-2 warning']);
    clock.jump(3_600_000);
    await window(monitor, 'drifted');
    expect(found.slice(2)).toEqual(['data-drift firing 5-6 warning']);
  });

  it('start a pipeline, once each, which says by which: of data and of predictions, when they fire and when they are resolved', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const monitor = monitorOn(storage, clock);
    const trained: string[] = [];
    const retrain = new Pipeline({ name: 'retrain', storage, clock, params: z.object({ why: z.string() }) });
    retrain.step('train', {}, ({ params }) => void trained.push(params.why));
    await retrain.triggerOn(monitor.alerts(), { params: ({ data }) => ({ why: `${data.data.status}: ${data.data.summary}` }) });
    const keeper = retrain.start();
    onTestFinished(() => keeper.close({ signal: AbortSignal.abort() }));
    await settled();
    for (const kind of ['drifted', 'drifted', 'predicted', 'same'] as const) {
      await window(monitor, kind);
      await clock.advance(30_000);
    }
    const alerts = (await monitor.alerts().poll(undefined)).events;
    expect(alerts.map(({ data }) => `${data.data.kind} ${data.data.status}`)).toEqual(['data-drift firing', 'data-drift resolved', 'prediction-drift firing', 'prediction-drift resolved']);
    expect(trained).toEqual(alerts.map(({ data }) => `${data.data.status}: ${data.data.summary}`));
    expect(trained[0]).toBe("firing: Monitor 'm': the data drifted (x) in window 1.");
    const causes: unknown[] = [];
    for await (const { triggeredBy } of retrain.runs()) causes.push(triggeredBy?.kind === 'trigger' && [triggeredBy.source, triggeredBy.event, triggeredBy.ref]);
    expect(causes).toHaveLength(4);
    expect(causes).toEqual(expect.arrayContaining(alerts.map(({ id, ref }) => [monitor.alerts().id, id, ref])));
  });

  it('start a pipeline by a performance that is out of its bounds, and by one that is well again', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    const performance = { metric: 'accuracy', min: 0.8, maxLabelDelay: '2h', every: '1h' } as const;
    const classes = profileData({ x: [1, 2, 3], class: ['a', 'b', 'a'] }, { prediction: 'class' });
    const monitor = new DriftMonitor({ storage, name: 'm', reference: classes, window: { rows: 1e9 }, clock, performance });
    const trained: string[] = [];
    const retrain = new Pipeline({ name: 'retrain', storage, clock, params: z.object({ kind: z.string(), status: z.string(), period: z.number() }) });
    retrain.step('train', {}, ({ params: { kind, status, period } }) => void trained.push(`${kind} ${status} ${period}`));
    await retrain.triggerOn(monitor.alerts(), { params: ({ data: { data } }) => ({ kind: data.kind, status: data.status, period: data.window }) });
    const keeper = retrain.start();
    onTestFinished(() => keeper.close({ signal: AbortSignal.abort() }));
    await settled();
    for (const [hour, right] of [95, 60, 62, 97].entries()) {
      for (let i = 0; i < 100; i++) {
        monitor.observe({ id: `${hour}-${i}`, features: { x: 1 }, prediction: 'a' });
        monitor.feedback({ id: `${hour}-${i}`, label: i < right ? 'a' : 'b' });
      }
      await monitor.flush();
      clock.jump(3_600_000);
    }
    expect(trained).toEqual([]);
    await clock.advance(2 * 3_600_000 + 5_000);
    await monitor.check();
    await clock.advance(60_000);
    expect(trained).toEqual(['performance firing 2', 'performance resolved 4']);
    const { events } = await monitor.alerts().poll(undefined);
    const { items } = await retrain.searchRuns({ filter: `cause = 'trigger' and source = '${monitor.alerts().id}'`, orderBy: ['params.period'] });
    expect(items.map(({ triggeredBy }) => triggeredBy?.kind === 'trigger' && [triggeredBy.event, triggeredBy.ref])).toEqual(events.map(({ id, ref }) => [id, ref]));
    await monitor.close();
  });

  it('reach a webhook that fails at first, signed, and hold up nothing', async () => {
    const storage = new MemoryStorage();
    const monitor = monitorOn(storage, new ManualClock());
    const received: DriftAlert[] = [];
    let attempts = 0;
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
        const answer = async (): Promise<number> => {
          if (++attempts === 1) return 503;
          const { event } = await verifyWebhook({ headers: request.headers, body: Buffer.concat(parts) }, { secret });
          received.push((event as { data: DriftAlert }).data);
          return 204;
        };
        void answer().then((status) => response.writeHead(status).end());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await using hook = await startWebhook({ name: 'alerts', storage, source: monitor.alerts(), url, secret, retry: { initial: 1, max: 5 } });
    await window(monitor, 'drifted');
    await window(monitor, 'same');
    await hook.flush();
    expect(received.map(({ id, status }) => [id, status])).toEqual([['m/data-drift/1', 'firing'], ['m/data-drift/1', 'resolved']]);
    expect(attempts).toBe(3);
  });

  it('are those of a kind and of a status where a source is asked for them, with a place of its own in each', async () => {
    const monitor = monitorOn(new MemoryStorage(), new ManualClock());
    for (const kind of ['drifted', 'predicted', 'same'] as const) await window(monitor, kind);
    const told = async (options: Parameters<DriftMonitor['alerts']>[0]): Promise<string[]> => (await monitor.alerts(options).poll(undefined)).events.map(({ data: { data } }) => `${data.kind} ${data.status}`);
    expect(await told({ status: 'firing' })).toEqual(['data-drift firing', 'prediction-drift firing']);
    expect(await told({ kinds: ['prediction-drift'] })).toEqual(['prediction-drift firing', 'prediction-drift resolved']);
    expect(await told({ kinds: ['data-drift', 'quality'], status: 'resolved' })).toEqual(['data-drift resolved']);
    const ids = [{}, { status: 'firing' }, { kinds: ['quality', 'health'] }, { kinds: ['health', 'quality'] }].map((options) => monitor.alerts(options as object).id);
    expect(new Set(ids).size).toBe(3);
    expect(ids[2]).toBe(ids[3]);
    const source = monitor.alerts({ kinds: ['health'] });
    expect(await source.poll(undefined)).toEqual({ events: [], next: await source.now() });
    expect(() => monitor.alerts({ kinds: ['drift'] as never })).toThrow(/options.kinds/);
  });

  it('are read page by page by a cursor, and a wrong one is refused', async () => {
    const monitor = monitorOn(new MemoryStorage(), new ManualClock());
    const source = monitor.alerts();
    expect(await source.poll(undefined)).toEqual({ events: [], next: undefined });
    for (const kind of ['drifted', 'same', 'drifted'] as const) await window(monitor, kind);
    const first = await source.poll(undefined, { limit: 2 });
    const rest = await source.poll(first.next);
    expect([...first.events, ...rest.events].map(({ data }) => data.data.status)).toEqual(['firing', 'resolved', 'firing']);
    expect(await source.poll(rest.next)).toEqual({ events: [], next: rest.next });
    expect(await source.now()).toBe(rest.next);
    await expect(source.poll('x')).rejects.toThrow(/not a cursor/);
  });

  it('are read on from where the poll before ended, however long the history is, and from its beginning where the store was put back', async () => {
    const storage = new MemoryStorage();
    const clock = new ManualClock();
    await window(monitorOn(storage, clock), 'same');
    await lengthen(storage, 'monitors/m', 'verdict', 5_000);
    const monitor = monitorOn(storage, clock);
    let read = 0;
    const readLog = storage.readLog.bind(storage);
    storage.readLog = async function* (...given) {
      for await (const entry of readLog(...given)) {
        read++;
        yield entry;
      }
    };
    const source = monitor.alerts();
    let cursor = await source.now();
    const statuses: string[] = [];
    for (const kind of ['drifted', 'same', 'drifted', 'same'] as const) {
      await window(monitor, kind);
      read = 0;
      const { events, next } = await source.poll(cursor);
      statuses.push(...events.map(({ data }) => data.data.status));
      // The first one looks through the history, and the others read what is new.
      expect(read).toBeLessThan(statuses.length === 1 ? 5_010 : 10);
      cursor = next!;
    }
    expect(statuses).toEqual(['firing', 'resolved', 'firing', 'resolved']);

    await storage.deleteLog('monitors/m');
    await storage.write([{ kind: 'delete', key: 'monitors/m' }]);
    const anew = monitorOn(storage, clock);
    for (let i = 0; i < 3; i++) await window(anew, 'drifted');
    const again = (await source.poll(undefined)).events;
    expect(again.map(({ data }) => data.data.status)).toEqual(['firing']);
  });
});

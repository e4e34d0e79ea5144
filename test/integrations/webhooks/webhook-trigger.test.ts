import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Pipeline, webhookTrigger, type WebhookTrigger, type WebhookTriggerOptions } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { describe, expect, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import '../../../src/pipelines/launching/launch-worker.ts';
import '../../../src/pipelines/triggers/trigger.ts';
import { faultyStorage } from '../../pipelines/faulty-storage.ts';
import { ManualClock } from '../../pipelines/manual-clock.ts';

const now = Date.UTC(2026, 0, 1);
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

interface Sent {
  readonly id?: string;
  readonly at?: number;
  readonly body?: string;
  readonly key?: string;
  readonly headers?: Record<string, string>;
}

/** A request signed by Node, not by the code under test. */
function signed({ id = 'msg_1', at = now, body = '{"rows":3}', key = secret, headers = {} }: Sent = {}): Request {
  const timestamp = String(Math.floor(at / 1000));
  const signature = createHmac('sha256', Buffer.from(key.slice('whsec_'.length), 'base64')).update(`${id}.${timestamp}.${body}`).digest('base64');
  return new Request('https://example.test/hooks', { method: 'POST', body, headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}`, ...headers } });
}

function define(options: Partial<WebhookTriggerOptions<unknown>> = {}): { trigger: WebhookTrigger<unknown>; clock: ManualClock; errors: unknown[] } {
  const clock = new ManualClock(now);
  const errors: unknown[] = [];
  return { trigger: webhookTrigger({ name: 'pushes', storage: new MemoryStorage(), secret, clock, onError: (error) => errors.push(error), ...options }), clock, errors };
}

const statusOf = async (trigger: WebhookTrigger<unknown>, request: Request): Promise<number> => (await trigger.handle(request)).status;

describe('webhookTrigger', () => {
  it('takes a signed webhook in and gives it as an event', async () => {
    const { trigger } = define();
    const before = await trigger.now();
    expect(await statusOf(trigger, signed())).toBe(204);
    expect(await statusOf(trigger, signed({ id: 'msg_2', at: now + 60_000, body: '[]' }))).toBe(204);
    const { events, next } = await trigger.poll(before);
    expect(events).toEqual([
      { id: 'msg_1', at: now, ref: { kind: 'webhook', id: 'pushes' }, data: { rows: 3 } },
      { id: 'msg_2', at: now + 60_000, ref: { kind: 'webhook', id: 'pushes' }, data: [] },
    ]);
    expect(await trigger.poll(next)).toEqual({ events: [], next });
    expect((await trigger.poll(undefined, { limit: 1 })).events).toHaveLength(1);
    expect(await trigger.poll(await trigger.now())).toMatchObject({ events: [] });
  });

  it('takes one event of a webhook that is replayed, or sent again later with another signature', async () => {
    const { trigger, clock } = define();
    for (let i = 0; i < 3; i++) expect(await statusOf(trigger, signed())).toBe(204);
    clock.jump(3 * 86_400_000);
    expect(await statusOf(trigger, signed({ at: clock.now() }))).toBe(204);
    await Promise.all(Array.from({ length: 10 }, () => trigger.handle(signed({ id: 'msg_2', at: clock.now() }))));
    const { events } = await trigger.poll(undefined);
    expect(events.map(({ id }) => id)).toEqual(['msg_1', 'msg_2']);
    expect(events[0]!.at).toBe(now);
  });

  it('accepts either secret while one is being replaced', async () => {
    const { trigger } = define({ secret: [other, secret] });
    expect(await statusOf(trigger, signed())).toBe(204);
    expect(await statusOf(trigger, signed({ id: 'msg_2', key: other }))).toBe(204);
  });

  it.each([
    ['signed with another secret', () => signed({ key: other }), 401],
    ['without a signature', () => new Request('https://example.test', { method: 'POST', body: '{}' }), 401],
    ['with a signature of another body', () => new Request(signed(), { body: '{"rows":4}' }), 401],
    ['with the id of another', () => signed({ headers: { 'webhook-id': 'msg_9' } }), 401],
    ['with a signature that is none', () => signed({ headers: { 'webhook-signature': 'v1,*' } }), 401],
    ['with an unknown version of signature', () => signed({ headers: { 'webhook-signature': 'v2,AAAA' } }), 401],
    ['that was recorded too long ago', () => signed({ at: now - 301_000 }), 401],
    ['from the future', () => signed({ at: now + 301_000 }), 401],
    ['with a time that is none', () => signed({ headers: { 'webhook-timestamp': '1e9' } }), 401],
    ['that is not JSON', () => signed({ body: 'rows=3' }), 400],
    ['that is empty', () => signed({ body: '' }), 400],
    ['with an id that is too long', () => signed({ id: 'x'.repeat(257) }), 400],
    ['that is huge', () => signed({ body: `"${'x'.repeat(300_000)}"` }), 413],
    ['by GET', () => new Request('https://example.test'), 405],
    ['by PUT', () => new Request('https://example.test', { method: 'PUT', body: '{}' }), 405],
  ])('refuses a request %s, and stores nothing', async (_, request, status) => {
    const { trigger, errors } = define();
    const response = await trigger.handle(request());
    expect(response.status).toBe(status);
    expect(await response.text()).not.toContain(secret);
    expect((await trigger.poll(undefined)).events).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('stops reading a body that does not end', async () => {
    const { trigger } = define();
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => void (sent++, controller.enqueue(new Uint8Array(65_536))) });
    const request = new Request('https://example.test', { method: 'POST', body, duplex: 'half', headers: Object.fromEntries(signed().headers) } as RequestInit);
    expect((await trigger.handle(request)).status).toBe(413);
    expect(sent).toBeLessThan(10);
  });

  it('takes what its schema makes of the body, and refuses what that refuses', async () => {
    const clock = new ManualClock(now);
    const trigger = webhookTrigger({ name: 'typed', storage: new MemoryStorage(), secret, clock, schema: z.object({ rows: z.coerce.number() }) });
    expect((await trigger.handle(signed({ body: '{"rows":"3"}' }))).status).toBe(204);
    expect((await trigger.handle(signed({ id: 'msg_2', body: '{"rows":"many"}' }))).status).toBe(400);
    const { events } = await trigger.poll(undefined);
    expectTypeOf(events[0]!.data).toEqualTypeOf<{ rows: number }>();
    expect(events.map(({ data }) => data)).toEqual([{ rows: 3 }]);
  });

  it.each([1, 2, 3, 4])('answers 204 only when it is stored: once, though the storage fails at call %i', async (call) => {
    const storage = new MemoryStorage();
    for (const effect of ['none', 'done'] as const) {
      const id = `msg_${effect}`;
      const { trigger, errors } = define({ storage: faultyStorage(storage, { call, effect, then: 'dead' }) });
      const status = await statusOf(trigger, signed({ id }));
      expect(errors).toHaveLength(status === 204 ? 0 : 1);
      // The sender is not answered, so it sends again: to the next process, with another time.
      const next = define({ storage }).trigger;
      if (status !== 204) expect(await statusOf(next, signed({ id, at: now + 30_000 }))).toBe(204);
      const found = (await next.poll(undefined)).events.filter((event) => event.id === id);
      expect(found).toHaveLength(1);
    }
  });

  it('is there after the process is gone, and starts one run of a pipeline', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'modelkeep-hooks-'));
    try {
      const clock = new ManualClock(now);
      const first = new FilesystemStorage(directory);
      expect(await statusOf(define({ storage: first, clock }).trigger, signed())).toBe(204);
      await first.close();
      const storage = new FilesystemStorage(directory);
      const trigger = webhookTrigger({ name: 'pushes', storage, secret, clock, schema: z.object({ rows: z.number() }) });
      const pipeline = new Pipeline({ name: 'retrain', storage, params: z.object({ rows: z.number() }) });
      pipeline.step('train', {}, ({ params }) => params.rows);
      await pipeline.triggerOn(trigger, { from: 'beginning', params: ({ data }) => ({ rows: data.rows }) });
      const keeper = pipeline.start();
      await keeper.idle();
      await trigger.handle(signed());
      await keeper.idle();
      await keeper.close();
      const runs = [];
      for await (const run of pipeline.runs()) runs.push(run);
      expect(runs).toMatchObject([{ status: 'succeeded', params: { rows: 3 }, triggeredBy: { kind: 'trigger', source: 'webhooks/pushes', event: 'msg_1', ref: { kind: 'webhook', id: 'pushes' } } }]);
      await storage.close();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('refuses bad options at once', () => {
    for (const [options, says] of [[{ secret: 'short' }, 'secret'], [{ tolerance: 'soon' }, 'tolerance'], [{ maxBytes: 0 }, 'maxBytes'], [{ name: '' }, 'name'], [{ schema: {} }, 'schema']] as const) {
      expect(() => define(options as never)).toThrow(says);
    }
  });
});

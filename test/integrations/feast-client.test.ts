import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FeatureStore, featureView, MemoryStorage } from 'modelkeep';
import { feastClient } from 'modelkeep/http';
import { createFeatureHandler, toNodeHandler } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';

const epoch = '1970-01-01T00:00:00Z';
const at = '2026-01-01T10:00:00Z';
// As Feast 0.67 answered, but for one value made null, which it calls PRESENT; features come in an order of their own.
const recorded = `{"results":[{"values":[1001,9007199254740993,5],"statuses":["PRESENT","PRESENT","PRESENT"],"event_timestamps":["${epoch}","${epoch}","${epoch}"]},{"values":[1.5,2.0,null],"statuses":["PRESENT","PRESENT","NOT_FOUND"],"event_timestamps":["${at}","${at}","${epoch}"]},{"values":[9007199254740993,7,null],"statuses":["PRESENT","PRESENT","NOT_FOUND"],"event_timestamps":["${at}","${at}","${epoch}"]},{"values":[1767261600,null,null],"statuses":["PRESENT","PRESENT","NOT_FOUND"],"event_timestamps":["${at}","${at}","${epoch}"]}],"metadata":{"feature_names":["driver_id","rate","trips","seen"]}}`;

const answering = (text: string, status = 200): typeof fetch => async () => new Response(text, { status });
const query = { entities: [{ driver_id: 1001 }, { driver_id: 9007199254740993n }, { driver_id: 5 }], features: ['driver_stats:trips'] };

describe('feastClient', () => {
  it('reads what a Feast server answers: by name, integers whole, nulls told', async () => {
    const client = feastClient({ url: 'http://feast.test', types: { trips: 'int64', seen: 'timestamp' }, fetch: answering(recorded) });
    const time = Date.parse(at);
    expect(await client.getOnlineFeatures(query)).toEqual({
      columns: { driver_id: [1001, 9007199254740993n, 5], rate: [1.5, 2, null], trips: [9007199254740993n, 7n, null], seen: [time, null, null] },
      statuses: { rate: ['PRESENT', 'PRESENT', 'NOT_FOUND'], trips: ['PRESENT', 'PRESENT', 'NOT_FOUND'], seen: ['PRESENT', 'NULL_VALUE', 'NOT_FOUND'] },
      timestamps: { rate: [time, time, null], trips: [time, time, null], seen: [time, time, null] },
    });
  });

  it('tells errors of Python, of Go and of this package in their own words', async () => {
    const cases: [number, string, string, RegExp][] = [
      [404, JSON.stringify(JSON.stringify({ module: 'feast.errors', class: 'X', message: 'no view' })), 'not-found', /404: .*no view/],
      [500, JSON.stringify("'Feature nope not found in projection driver_stats'"), 'storage', /Feature nope/],
      [422, '{"detail":[{"msg":"Field required"}]}', 'validation', /Field required/],
      [500, '{"error":"went wrong","status_code":500}', 'storage', /went wrong/],
      [401, '{"error":{"code":"unauthorized","message":"sign in"}}', 'unauthorized', /sign in/],
      [503, 'upstream', 'unavailable', /upstream/],
    ];
    for (const [status, text, code, message] of cases) {
      const asking = feastClient({ url: 'http://feast.test', fetch: answering(text, status) }).getOnlineFeatures(query);
      await expect(asking).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
    }
  });

  it('refuses answers of another form', async () => {
    for (const text of ['<html>', 'null', '{}', '{"metadata":{"feature_names":["a"]},"results":[]}', recorded.replaceAll('"NOT_FOUND"', '"ODD"'), recorded.replace('1001,', '')]) {
      await expect(feastClient({ url: 'http://feast.test', fetch: answering(text) }).getOnlineFeatures(query)).rejects.toMatchObject({ code: 'storage' });
    }
  });

  it('refuses what cannot be asked', async () => {
    expect(() => feastClient({ url: 'feast.test' })).toThrow(/options.url/);
    const client = feastClient({ url: 'http://feast.test', fetch: answering(recorded) });
    await expect(client.getOnlineFeatures({ ...query, service: 'both' })).rejects.toThrow(/either/);
    await expect(client.getOnlineFeatures({ ...query, entities: [] })).rejects.toThrow(/empty/);
    await expect(client.getOnlineFeatures({ ...query, entities: [{ a: 1 }, { b: 1 }] })).rejects.toThrow(/entities\[1\]/);
  });

  it('gives over HTTP what the store gives itself', async () => {
    const store = new FeatureStore({ storage: new MemoryStorage() });
    await store.apply([featureView({ name: 'driver_stats', entity: ['driver_id'], timestamp: 'at', features: { trips: 'int64', rate: 'float64' } })]);
    await store.ingest('driver_stats', [{ driver_id: 9007199254740993n, at: Date.parse(at), trips: 9223372036854775807n, rate: 1e20 }, { driver_id: 1n, at: 5, trips: 1n, rate: null }], { online: true });
    const server = createServer(toNodeHandler(createFeatureHandler(store, { authorize: (request) => (request.headers.get('authorization') === 'Bearer s' ? { actor: 'a' } : null) })));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const asked = { entities: [{ driver_id: 9007199254740993n }, { driver_id: 1 }, { driver_id: 2 }], features: ['driver_stats:*'], fullFeatureNames: true };
      const client = feastClient({ url, token: 's', types: { driver_stats__trips: 'int64' } });
      const { columns, statuses, timestamps } = await store.getOnlineFeatures(asked);
      expect(await client.getOnlineFeatures(asked)).toEqual({ columns, statuses, timestamps });
      await expect(feastClient({ url }).getOnlineFeatures(asked)).rejects.toMatchObject({ code: 'unauthorized' });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

import { embedding, featureService, FeatureStore, featureView, MemoryStorage, onDemandView, type FeatureInput } from 'modelkeep';
import { createFeatureHandler, type Access, type FeatureHandlerOptions } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';

const time = '2024-05-13 10:59:42+00:00';
const json = { 'content-type': 'application/json' };

async function served(options: Partial<FeatureHandlerOptions> = {}) {
  const storage = new MemoryStorage();
  const store = new FeatureStore({ storage });
  await store.apply([
    featureView({
      name: 'driver_stats', entity: ['driver_id'], timestamp: 'at', createdTimestamp: 'known',
      features: { trips: 'int64', rate: 'float64', seen: 'timestamp' },
    }),
    featureView({ name: 'fleeting', entity: ['driver_id'], timestamp: 'at', ttl: '1m', features: { speed: 'float64' } }),
  ]);
  const handler = createFeatureHandler(store, { authorize: 'public', pushSources: { driver_stats_push: 'driver_stats' }, ...options });
  const ask = (path: string, body?: object | string, init: RequestInit = {}): Promise<Response> =>
    handler(new Request(`http://features.test${path}`, { method: 'POST', headers: json, body: typeof body === 'string' ? body : JSON.stringify(body), ...init }));
  return { store, storage, handler, ask };
}

async function typed(store: FeatureStore): Promise<{ trips: FeatureInput<'int64'> }> {
  const { name } = await store.getView('driver_stats');
  return { trips: { kind: 'feature', view: name, feature: 'trips', type: 'int64' } };
}

const pushed = { push_source_name: 'driver_stats_push', df: { driver_id: [5], event_timestamp: [time], created: ['2024-05-13 10:59:42'], trips: [3], rate: [1.5], seen: [null] }, to: 'online' };

describe('createFeatureHandler', () => {
  it('answers in columns, entity keys first, with statuses and timestamps of RFC 3339', async () => {
    const { ask } = await served();
    expect((await ask('/push', pushed)).status).toBe(200);
    const response = await ask('/get-online-features', { features: ['driver_stats:trips', 'driver_stats:seen'], entities: { driver_id: [5, 6] } });
    expect(response.headers.get('content-type')).toBe('application/json');
    expect(await response.json()).toEqual({
      metadata: { feature_names: ['driver_id', 'trips', 'seen'] },
      results: [
        { values: [5, 6], statuses: ['PRESENT', 'PRESENT'], event_timestamps: ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'] },
        { values: [3, null], statuses: ['PRESENT', 'NOT_FOUND'], event_timestamps: ['2024-05-13T10:59:42Z', '1970-01-01T00:00:00Z'] },
        { values: [null, null], statuses: ['NULL_VALUE', 'NOT_FOUND'], event_timestamps: ['2024-05-13T10:59:42Z', '1970-01-01T00:00:00Z'] },
      ],
    });
  });

  it('serves a service by its name, on-demand views and bytes among it, with leave for each view', async () => {
    const asked: string[] = [];
    const { store, ask } = await served({
      authorize: (_, { action, key }) => {
        asked.push(`${action} ${key}`);
        return key === 'secret' && action === 'read' ? 'forbidden' : { actor: 'ada' };
      },
    });
    const secret = featureView({ name: 'secret', entity: ['driver_id'], timestamp: 'at', features: { salary: 'float64' } });
    const request = onDemandView({
      name: 'request', version: '1', inputs: { trips: (await typed(store)).trips }, request: { miles: 'float64' }, features: { per_trip: 'float64' },
      compute: ({ trips, miles }) => ({ per_trip: trips === null || miles === null ? null : miles / Number(trips) }),
    });
    const photo = featureView({ name: 'photo', entity: ['driver_id'], timestamp: 'at', features: { thumb: 'bytes', vector: embedding(2) } });
    await store.apply([secret, request, photo, featureService({ name: 'ranking', features: ['request:per_trip', 'photo:*'] }), featureService({ name: 'payroll', features: ['secret:salary'] })]);
    await ask('/push', pushed);
    await ask('/push', { push_source_name: 'photo', df: { driver_id: [5], at: [time], thumb: ['AQL/'], vector: [[0.5, 2]] } });
    asked.length = 0;
    const answer = (await (await ask('/get-online-features', { feature_service: 'ranking', entities: { driver_id: [5], miles: [12] } })).json()) as never as Answer;
    expect(answer.metadata.feature_names).toEqual(['driver_id', 'miles', 'per_trip', 'thumb', 'vector']);
    expect(answer.results.slice(2).map(({ values }) => values)).toEqual([[4], ['AQL/'], [[0.5, 2]]]);
    expect(asked).toEqual(['read ranking', 'read driver_stats', 'read photo', 'read request']);
    expect((await ask('/get-online-features', { feature_service: 'payroll', entities: { driver_id: [5] } })).status).toBe(403);
    expect((await ask('/get-online-features', { feature_service: 'ranking', entities: { driver_id: [5] } })).status).toBe(400);
    expect((await ask('/get-online-features', { feature_service: 'ranking@2', entities: { driver_id: [5], miles: [1] } })).status).toBe(404);
    expect((await ask('/push', { push_source_name: 'photo', df: { driver_id: [5], at: [time], thumb: ['%%'], vector: [null] } })).status).toBe(400);
  });

  it('carries 64-bit integers unharmed, as keys and as values, mixed with small ones', async () => {
    const { ask } = await served();
    const body = `{"feature_view_name":"driver_stats","df":{"driver_id":[9007199254740993,1],"event_timestamp":["${time}","${time}"],"created":["${time}","${time}"],"trips":[9223372036854775807,-1],"rate":[123456789012345680000,2],"seen":[null,null]}}`;
    const written = await ask('/write-to-online-store', body);
    expect([written.status, await written.text()]).toEqual([200, 'null']);
    const text = await (await ask('/get-online-features', '{"features":["driver_stats:trips","driver_stats:rate"],"entities":{"driver_id":[9007199254740993,1,9007199254740992]}}')).text();
    expect(text).toContain('"values":[9223372036854775807,-1,null]');
    expect(text).toContain('"values":[9007199254740993,1,9007199254740992]');
    expect(text).toContain('"values":[1.2345678901234568e+20,2,null]');
  });

  it('tells expired values, full names, and epoch seconds of timestamps', async () => {
    const { ask } = await served();
    await ask('/push', { push_source_name: 'fleeting', df: { driver_id: [5], at: [time], speed: [1] } });
    await ask('/push', { push_source_name: 'driver_stats', df: { driver_id: [5], at: [time], known: [time], trips: [null], rate: [null], seen: ['2024-05-13T10:59:42.5Z'] } });
    const answer = (await (await ask('/get-online-features', { features: ['fleeting:speed', 'driver_stats:seen'], entities: { driver_id: [5] }, full_feature_names: true })).json()) as never as Answer;
    expect(answer.metadata.feature_names).toEqual(['driver_id', 'fleeting__speed', 'driver_stats__seen']);
    expect(answer.results[1]).toMatchObject({ values: [null], statuses: ['OUTSIDE_MAX_AGE'] });
    expect(answer.results[2]).toMatchObject({ values: [1715597982.5], statuses: ['PRESENT'] });
  });

  it('keeps what is pushed offline until it is materialized, and materializes nothing beyond its end', async () => {
    const { ask } = await served();
    const trips = async (): Promise<unknown> => ((await (await ask('/get-online-features', { features: ['driver_stats:trips'], entities: { driver_id: [5] } })).json()) as Answer).results[1]!.values[0];
    await ask('/push', { ...pushed, to: 'offline' });
    expect(await trips()).toBeNull();
    expect((await ask('/materialize', { start_ts: '2021-01-01T00:00:00', end_ts: '2021-01-02T00:00:00' })).status).toBe(200);
    expect(await trips()).toBeNull();
    const done = await ask('/materialize-incremental', { end_ts: '2024-06-01T00:00:00', feature_views: ['driver_stats'] });
    expect([done.status, await done.text()]).toEqual([200, 'null']);
    expect(await trips()).toBe(3);
  });

  it('materializes in the background, once at a time for a view', async () => {
    const { ask, store } = await served();
    await ask('/push', { ...pushed, to: 'offline' });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const real = store.materialize.bind(store);
    store.materialize = async (...given) => (await held, real(...given));
    const accepted = await ask('/materialize?async=true', { start_ts: '2021-01-01T00:00:00', end_ts: '2024-06-02T00:00:00', feature_views: ['driver_stats'] });
    expect([accepted.status, await accepted.json()]).toEqual([202, { status: 'accepted', feature_views: ['driver_stats'] }]);
    const again = { end_ts: '2024-06-02T00:00:00', feature_views: ['driver_stats'] };
    expect((await ask('/materialize-incremental', again)).status).toBe(409);
    release();
    expect((await ask('/materialize-incremental?force=true', again)).status).toBe(200);
  });

  it('asks for leave view by view, before it says whether there is one', async () => {
    const asked: Access[] = [];
    const { ask } = await served({ authorize: (request, access) => (asked.push(access), request.headers.get('authorization') === 'Bearer s' ? (access.action === 'write' ? 'forbidden' : { actor: 'a' }) : null) });
    const query = { features: ['nope:x'], entities: { driver_id: [5] } };
    const refused = await ask('/get-online-features', query);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="modelkeep"']);
    const init = { headers: { ...json, authorization: 'Bearer s' } };
    expect((await ask('/get-online-features', query, init)).status).toBe(404);
    expect((await ask('/push', pushed, init)).status).toBe(403);
    expect((await ask('/materialize-incremental', { end_ts: '2024-06-01' }, init)).status).toBe(200);
    expect(asked.map(({ action, kind, key, method }) => [action, kind, key, method])).toEqual([
      ['read', 'feature-view', 'nope', undefined], ['read', 'feature-view', 'nope', undefined], ['write', 'feature-view', 'driver_stats', undefined],
      ['list', 'feature-view', '', undefined], ['call', 'feature-view', 'driver_stats', 'materialize'], ['call', 'feature-view', 'fleeting', 'materialize'],
    ]);
  });

  it('refuses what is wrong with an error of its own', async () => {
    const { ask } = await served();
    const ok = { features: ['driver_stats:trips'], entities: { driver_id: [1] } };
    const cases: [string, unknown, number, RegExp][] = [
      ['/get-online-features', { ...ok, features: ['nope:trips'] }, 404, /no feature view 'nope'/],
      ['/get-online-features', { ...ok, features: ['driver_stats:nope'] }, 404, /no feature 'nope'/],
      ['/get-online-features', { entities: ok.entities, feature_service: 'zz' }, 404, /no feature service 'zz'/],
      ['/get-online-features', { ...ok, entities: { x: [1] } }, 400, /lacks the key 'driver_id'/],
      ['/get-online-features', { ...ok, entities: { driver_id: [] } }, 400, /no rows/],
      ['/get-online-features', { ...ok, entities: { driver_id: [1], x: [1, 2] } }, 400, /has 2 values where driver_id has 1/],
      ['/get-online-features', { ...ok, entities: { driver_id: [{}] } }, 400, /no entity key/],
      ['/get-online-features', { ...ok, entities: [1] }, 400, /object of columns/],
      ['/get-online-features', '{"features":["driver_stats:trips"],"entities":{"driver_id":[1],"__proto__":[1]}}', 400, /__proto__/],
      ['/get-online-features', { features: ok.features }, 400, /entities is missing/],
      ['/get-online-features', [1], 400, /JSON object/],
      ['/get-online-features', '{', 400, /not JSON/],
      ['/get-online-features', '['.repeat(50), 400, /nested/],
      ['/push', { ...pushed, push_source_name: 'zz' }, 404, /'zz'/],
      ['/push', { ...pushed, push_source_name: '__proto__' }, 404, /__proto__/],
      ['/push', { ...pushed, to: 'nowhere' }, 400, /body.to/],
      ['/push', { ...pushed, df: { ...pushed.df, event_timestamp: [1715597982] } }, 400, /ISO 8601/],
      ['/push', { ...pushed, df: { ...pushed.df, trips: ['x'] } }, 400, /trips/],
      ['/materialize', { start_ts: '2024-01-02', end_ts: '2024-01-01' }, 400, /later/],
      ['/materialize-incremental', { end_ts: 'soon' }, 400, /end_ts/],
      ['/elsewhere', {}, 404, /Nothing/],
      ['/constructor', {}, 404, /Nothing/],
    ];
    for (const [path, body, status, message] of cases) {
      const response = await ask(path, body as object);
      const { error } = (await response.json()) as { error: { message: string } };
      expect([path, response.status, error.message]).toEqual([path, status, expect.stringMatching(message)]);
    }
  });

  it('keeps to its limits', async () => {
    const { ask, handler } = await served({ limits: { requestBytes: 300, values: 5 } });
    const many = { features: ['driver_stats:trips'], entities: { driver_id: [1, 2, 3] } };
    expect((await ask('/get-online-features', many)).status).toBe(413);
    expect((await ask('/get-online-features', `${' '.repeat(301)}{}`)).status).toBe(413);
    expect((await ask('/get-online-features', many, { headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await ask('/get-online-features', many, { headers: { ...json, 'content-encoding': 'gzip' } })).status).toBe(415);
    expect((await ask('/get-online-features', many, { headers: { ...json, 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    const got = await handler(new Request('http://features.test/push'));
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('says whether its storage answers, and nothing of why not', async () => {
    const errors: unknown[] = [];
    const { handler, storage } = await served({ basePath: '/features', onError: (error) => errors.push(error) });
    const health = (): Promise<Response> => handler(new Request('http://features.test/features/health'));
    const well = await health();
    expect([well.status, await well.text()]).toEqual([200, '']);
    await storage.close();
    expect((await health()).status).toBe(503);
  });

  it('refuses options that it does not know', async () => {
    await expect(served({ authorise: 'public' } as never)).rejects.toThrow(/authorise/);
    await expect(served({ basePath: 'x' })).rejects.toThrow(/basePath/);
    await expect(served({ authorize: undefined as never })).rejects.toThrow(/authorize/);
    await expect(served({ limits: { values: 0 } })).rejects.toThrow(/values/);
  });
});

describe("with Feast's errors", () => {
  it('words them as its server does', async () => {
    const { ask } = await served({ errors: 'feast' });
    const answer = async (body: object, path = '/get-online-features'): Promise<[number, unknown]> => {
      const response = await ask(path, body);
      return [response.status, await response.json()];
    };
    const nested = (name: string, message: string): string => JSON.stringify({ module: 'feast.errors', class: name, message });
    expect(await answer({ features: ['nope:trips'], entities: { driver_id: [1] } })).toEqual([404, nested('FeatureViewNotFoundException', 'Feature view nope does not exist')]);
    expect(await answer({ feature_service: 'zz', entities: { driver_id: [1] } })).toEqual([404, nested('FeatureServiceNotFoundException', 'Feature service zz does not exist')]);
    expect(await answer({ features: ['driver_stats:nope'], entities: { driver_id: [1] } })).toEqual([500, "'Feature nope not found in projection driver_stats'"]);
    expect(await answer({ features: ['driver_stats:trips'], entities: { x: [1] } })).toEqual([500, `"Missing join key values for keys: ['driver_id']. No values provided for keys: ['driver_id']. Provided join_key_values: []"`]);
    expect(await answer({ features: ['driver_stats:trips'] })).toEqual([422, { detail: [{ type: 'missing', loc: ['body', 'entities'], msg: 'Field required', input: { features: ['driver_stats:trips'] } }] }]);
    expect(await answer({ push_source_name: 'zz', df: { driver_id: [5] }, to: 'online' }, '/push')).toEqual([422, nested('PushSourceNotFoundException', "Unable to find push source 'zz'.")]);
    expect(await answer({ ...pushed, to: 'nowhere' }, '/push')).toEqual([422, expect.stringContaining('"class":"validation"')]);
  });
});

interface Answer {
  metadata: { feature_names: string[] };
  results: { values: unknown[]; statuses: string[]; event_timestamps: string[] }[];
}

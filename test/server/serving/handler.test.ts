import { describe, expect, it } from 'vitest';
import { createServingHandler, toNodeHandler, type Access } from 'modelkeep/server';
import { utf8 } from '../../../src/core/bytes.ts';
import { listen } from '../listening.ts';
import { askOf } from './ask.ts';
import { SmallDeployment } from './small-deployment.ts';

const double = { predict: ({ x }: { x: number }) => ({ twice: 2 * x, of: x }) };
const deployment = (): SmallDeployment => new SmallDeployment('double', { 1: double, 2: double });

describe('predictions as TorchServe has them', () => {
  it('takes JSON, one row or many, and bytes as they are', async () => {
    const bytes = new SmallDeployment('bytes', { 1: { predict: (input: Uint8Array) => input.map((byte) => byte + 1) } });
    const ask = askOf([deployment(), bytes]);
    expect((await ask('POST /predictions/double', { x: 4 })).body).toEqual({ twice: 8, of: 4 });
    expect((await ask('POST /predictions/double', [{ x: 4 }, { x: 5 }])).body).toEqual([{ twice: 8, of: 4 }, { twice: 10, of: 5 }]);
    const answer = await ask('POST /predictions/bytes', Uint8Array.of(1, 2), { 'content-type': 'image/png' });
    expect([answer.headers.get('content-type'), answer.body]).toEqual(['application/octet-stream', Uint8Array.of(2, 3)]);
    expect(await ask('POST /predictions/double/1', { x: 1 })).toMatchObject({ status: 200 });
    expect(await ask('POST /predictions/double/2', { x: 1 })).toMatchObject({ status: 404, body: { code: 404, type: 'ModelNotFoundException', message: expect.any(String) } });
    expect(await ask('POST /predictions/none', { x: 1 })).toMatchObject({ status: 404, body: { code: 404, type: 'ModelNotFoundException', message: 'Model not found: none' } });
    expect((await ask('POST /predictions/double', utf8('--x'), { 'content-type': 'multipart/form-data; boundary=x' })).status).toBe(415);
  });

  it('pings', async () => {
    expect(await askOf([deployment()])('GET /ping')).toMatchObject({ status: 200, body: { status: 'Healthy' } });
    expect(await askOf([new SmallDeployment('late', { 1: double }, 'none')])('GET /ping')).toMatchObject({ status: 500, body: { status: 'Unhealthy' } });
  });
});

describe('management', () => {
  it('tells what there is, and takes feedback', async () => {
    const served = deployment();
    const ask = askOf([served]);
    expect((await ask('GET /deployments')).body).toMatchObject({ deployments: [{ model: 'double', stable: 1, versions: [{ version: 1, state: 'ready' }, { version: 2 }] }] });
    expect((await ask('POST /deployments/double/versions/2/load', {})).body).toMatchObject({ versions: [{ version: 1 }, { version: 2, state: 'ready' }] });
    expect((await ask('POST /deployments/double/versions/1/unload', {}))).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    expect(await ask('POST /deployments/double/feedback', { id: 'p1', label: true, metrics: { revenue: 5 } })).toMatchObject({ status: 202, body: { accepted: 1 } });
    expect(await ask('POST /deployments/double/feedback', { feedback: [{ id: 'p2', label: 1 }, { id: 'p3', label: false }] })).toMatchObject({ status: 202, body: { accepted: 2 } });
    expect(served.given).toEqual([{ id: 'p1', label: true, metrics: { revenue: 5 } }, { id: 'p2', label: 1 }, { id: 'p3', label: false }]);
    for (const wrong of [{}, { id: '' , label: 1 }, { id: 'p' }, { id: 'p', label: 1, more: 2 }, { id: 'p', label: [] }, { id: 'p', metrics: { a: 'x' } }, { feedback: [5] }]) {
      expect(await ask('POST /deployments/double/feedback', wrong), JSON.stringify(wrong)).toMatchObject({ status: 400, body: { error: { code: 'validation' } } });
    }
  });

  it('tells metrics of all deployments, each family once', async () => {
    const ask = askOf([new SmallDeployment('a', { 1: double }), new SmallDeployment('b', { 1: double })]);
    const answer = await ask('GET /metrics');
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.text).toBe('# HELP modelkeep_predictions_total Predictions.\n# TYPE modelkeep_predictions_total counter\nmodelkeep_predictions_total{model="a"} 0\nmodelkeep_predictions_total{model="b"} 0\n');
    expect((await ask('GET /monitoring/prometheus/metrics')).text).toBe(answer.text);
  });

  it('tells health to everyone', async () => {
    const ask = askOf([deployment(), new SmallDeployment('late', { 1: double }, 'none')], { authorize: () => null });
    expect(await ask('GET /health/live')).toMatchObject({ status: 200, body: { live: true } });
    expect(await ask('GET /health/ready')).toMatchObject({ status: 503, body: { ready: false } });
    expect(await ask('GET /health/ready/double')).toMatchObject({ status: 200, body: { ready: true } });
  });
});

describe('who may', () => {
  it('is asked for everything that is touched, before a body is read', async () => {
    const asked: string[] = [];
    const authorize = (_: Request, { action, kind, key, method }: Access): 'forbidden' => {
      asked.push([action, kind, key, method].filter(Boolean).join(' '));
      return 'forbidden';
    };
    const ask = askOf([deployment()], { authorize });
    const lines = [
      'POST /v1/models/double:predict', 'GET /v1/models/double', 'GET /v1/models/double/metadata', 'POST /v2/models/double/infer', 'GET /v2/models/double', 'GET /v2/models/double/stats', 'GET /v2/models/stats',
      'POST /v2/repository/index', 'POST /v2/repository/models/double/load', 'POST /v2/repository/models/double/unload', 'POST /predictions/double', 'GET /metrics', 'GET /deployments', 'GET /deployments/double',
      'POST /deployments/double/feedback', 'POST /deployments/double/versions/2/load', 'POST /deployments/none/feedback',
    ];
    for (const line of lines) expect((await ask(line, line.startsWith('POST') ? '{' : undefined)).status, line).toBe(403);
    expect(asked).toEqual([
      'call deployment double predict', 'read deployment double', 'read deployment double', 'call deployment double predict', 'read deployment double', 'read deployment double', 'list deployment',
      'list deployment', 'call deployment double load', 'call deployment double unload', 'call deployment double predict', 'read deployment metrics', 'list deployment', 'read deployment double',
      'call deployment double feedback', 'call deployment double load', 'call deployment none feedback',
    ]);
    const nobody = await askOf([deployment()], { authorize: () => null, challenge: 'Basic realm="x"' })('GET /v2/models/double');
    expect([nobody.status, nobody.headers.get('www-authenticate')]).toEqual([401, 'Basic realm="x"']);
  });

  it('lets pages of other origins ask where they are allowed, with the headers that there are', async () => {
    const ask = askOf([deployment()], { cors: { origins: ['https://app.test'] } });
    const preflight = await ask('OPTIONS /v2/models/double/infer', undefined, { origin: 'https://app.test', 'access-control-request-method': 'POST' });
    expect([preflight.status, preflight.headers.get('access-control-allow-methods'), preflight.headers.get('access-control-allow-origin')]).toEqual([204, 'POST', 'https://app.test']);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('inference-header-content-length');
    const answer = await ask('POST /predictions/double', { x: 1 }, { origin: 'https://app.test', 'sec-fetch-site': 'cross-site' });
    expect([answer.status, answer.headers.get('access-control-expose-headers')?.includes('x-modelkeep-id')]).toEqual([200, true]);
    expect((await ask('POST /predictions/double', { x: 1 }, { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  });
});

describe('limits', () => {
  it('refuses what is larger, deeper, or more at once than it takes, and says so in the form of the protocol', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const slow = new SmallDeployment('slow', { 1: { predict: () => held.then(() => 1) } });
    const ask = askOf([slow], { limits: { requestBytes: 200, depth: 4, requestsInFlight: 1 } });
    expect(await ask('POST /v1/models/slow:predict', 'x'.repeat(201))).toMatchObject({ status: 413, body: { error: expect.stringContaining('200 bytes') } });
    expect(await ask('POST /v1/models/slow:predict', '[[[[[1]]]]]')).toMatchObject({ status: 400, body: { error: expect.stringContaining('more than 4 deep') } });
    const first = ask('POST /predictions/slow', { x: 1 });
    const second = await ask('POST /predictions/slow', { x: 1 });
    expect([second.status, second.headers.get('retry-after'), second.body]).toEqual([429, '1', { code: 429, type: 'ServiceUnavailableException', message: expect.any(String) }]);
    expect((await ask('GET /health/live')).status).toBe(200);
    release();
    expect((await first).status).toBe(200);
    expect((await ask('POST /predictions/slow', { x: 1 })).status).toBe(200);
  });

  it.each([
    [[{}], {}, /deployments\[0\] must be a Deployment/],
    [[deployment(), deployment()], {}, /deployments\[1\] serves 'double', which another/],
    [[], { authorize: undefined }, /options.authorize is missing/],
    [[], { basePath: 'x/' }, /options.basePath/],
    [[], { limits: { rows: 0 } }, /options.limits.rows/],
    [[], { more: 1 }, /unknown options: more/],
  ])('refuses to be made of %j with %j', (deployments, options, message) => {
    expect(() => createServingHandler(deployments as never, { authorize: 'public', ...options } as never)).toThrow(message);
  });
});

describe('over node:http', () => {
  it('answers under a base path, and aborts what nobody waits for', async () => {
    let aborted = (_: unknown): void => undefined;
    const left = new Promise((resolve) => (aborted = resolve));
    let began = (): void => undefined;
    const begun = new Promise<void>((resolve) => (began = resolve));
    const slow = new SmallDeployment('slow', {
      1: {
        predict: (_: never, signal: AbortSignal) =>
          new Promise(() => {
            signal.addEventListener('abort', () => aborted(signal.reason));
            began();
          }),
      },
    });
    await using server = await listen(toNodeHandler(createServingHandler([deployment(), slow], { authorize: 'public', basePath: '/ml' })));
    const response = await fetch(`${server.url}/ml/v1/models/double:predict`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"instances":[{"x":1}]}' });
    expect(await response.json()).toEqual({ predictions: [{ twice: 2, of: 1 }] });
    expect((await fetch(`${server.url}/v1/models/double`)).status).toBe(404);
    const client = new AbortController();
    const asking = fetch(`${server.url}/ml/predictions/slow`, { method: 'POST', body: '{"x":1}', headers: { 'content-type': 'application/json' }, signal: client.signal });
    await begun;
    client.abort();
    await expect(asking).rejects.toThrow();
    expect(await left).toMatchObject({ message: 'The client left.' });
  });
});

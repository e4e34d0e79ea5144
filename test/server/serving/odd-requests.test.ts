import { createServingHandler } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../../src/core/bytes.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { askOf, type Answered } from './ask.ts';
import { SmallDeployment } from './small-deployment.ts';

const echo = (): SmallDeployment => new SmallDeployment('m', { 1: { predict: (input: unknown) => input } });
const x = { name: 'x', datatype: 'FP64', shape: [1], data: [1] };

describe('a request to a serving handler', () => {
  it('gets each output once: one that asks for the same one over and over is refused', async () => {
    const ask = askOf([echo()]);
    expect(await ask('POST /v2/models/m/infer', { inputs: [x], outputs: [{ name: 'x' }] })).toMatchObject({ status: 200 });
    const { status, text } = await ask('POST /v2/models/m/infer', { inputs: [x], outputs: Array.from({ length: 1000 }, () => ({ name: 'x' })) });
    expect(status).toBe(400);
    expect(text).toContain('outputs[1].name');
  });

  it.each(['{"id":"b","metrics":{"v":NaN}}', '{"id":"b","metrics":{"v":Infinity}}', '{"id":"b","label":NaN}'])('that brings feedback which is wrong in one place changes nothing: %s', async (wrong) => {
    const deployment = echo();
    const { status } = await askOf([deployment])('POST /deployments/m/feedback', `{"feedback":[{"id":"a","metrics":{"v":1}},${wrong}]}`);
    expect([status, deployment.given]).toEqual([400, []]);
  });

  it.each(['__proto__', 'constructor', 'toString', 'a\u0000b', 'ü/ö?#%', '\u{1f600}'])('may have inputs, keys, ids and models of any name: %j', async (name) => {
    const deployment = echo();
    const ask = askOf([deployment]);
    const inputs = JSON.stringify([{ ...x, name }]);
    const infer = await ask('POST /v2/models/m/infer', `{"inputs":${inputs},"parameters":{"modelkeep_id":${JSON.stringify(name)},"key":${JSON.stringify(name)}}}`);
    expect(infer).toMatchObject({ status: 200, body: { outputs: [{ name, data: [1] }], parameters: { modelkeep_id: name } } });
    const row = `{${JSON.stringify(name)}:1,"other":"NaN, Infinity"}`;
    for (const body of [`{"instances":[${row}]}`, `{"inputs":{${JSON.stringify(name)}:[1],"other":["NaN, Infinity"]}}`]) {
      const { status, text } = await ask('POST /v1/models/m:predict', body);
      expect([status, text]).toEqual([200, body.startsWith('{"inst') ? `{"predictions":[${row}]}` : `{"outputs":{${JSON.stringify(name)}:[1],"other":["NaN, Infinity"]}}`]);
    }
    expect(({} as Record<string, unknown>)['1']).toBeUndefined();
    for (const line of ['GET /v2/models/%', 'POST /v1/models/%:predict', 'GET /health/ready/%', 'GET /deployments/%']) expect(await ask(line.replace('%', encodeURIComponent(name)), line.startsWith('POST') ? '{}' : undefined)).toMatchObject({ status: 404 });
  });

  it.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'POST'])('of any method on any path gets a proper answer: %s', async (method) => {
    const ask = askOf([echo()]);
    for (const path of ['/', '/v1', '/v1/', '/v1/models', '/v1/models/m', '/v1/models/m:predict', '/v2', '/v2/', '/v2/models/m', '/v2/models/m/infer', '/v2/models/m/versions/0', '/v2/models/m/versions/1.5/infer', '/v2/models/m/versions/18446744073709551616', '/predictions/m', '/predictions/m/x', '/ping', '/metrics', '/health/ready', '/health/ready/m', '/deployments', '/deployments/m', '/deployments/m/rollout', '/deployments/m/versions/1/load', '//', '/%', '/%ff', '/v2/models/%E0%A4%A/infer', '/v1/models/%zz:predict']) {
      const { status } = await ask(`${method} ${path}`, method === 'POST' || method === 'PUT' || method === 'PATCH' ? '{}' : undefined);
      expect([method, path, status]).toEqual([method, path, expect.toSatisfy((code: number) => code < 500 || code === 501)]);
    }
  });

  const lengths = { '{"instances":[{"a":"\ufffd\u00fc"}]}': 200, '{"instances":[1]}': 200, '': 400, '\ufeff{"instances":[1]}': 400 };
  it.each(Object.entries(lengths))('says how long its body is, and is believed where that is so: %j', async (body, expected) => {
    const bytes = utf8(body);
    const ask = (length: number): Promise<Answered> => askOf([echo()])('POST /v1/models/m:predict', bytes, { 'content-type': 'application/json', 'content-length': String(length) });
    expect([(await ask(bytes.length)).status, (await ask(bytes.length + 1)).status, (await ask(bytes.length + 100_000)).status, (await ask(Math.max(0, bytes.length - 1))).status]).toEqual([expected, 400, 400, 400]);
  });

  it.each([['in the middle of a text', [0xff]], ['a character that ends too early', [0xe2, 0x82]], ['half of a pair', [0xed, 0xa0, 0x80]], ['three bytes of four, which are as many as U+FFFD has', [0xf0, 0x9f, 0x98]]])('that is not UTF-8 is refused, whether it says how long it is or not: %s', async (_, wrong) => {
    const body = concatBytes([utf8('{"instances":[{"a":"'), Uint8Array.from(wrong), utf8('"}]}')]);
    for (const headers of [{}, { 'content-length': String(body.length) }]) {
      expect(await askOf([echo()])('POST /v1/models/m:predict', body, { 'content-type': 'application/json', ...headers })).toMatchObject({ status: 400, text: '{"error":"JSON Parse error: The document is not UTF-8."}' });
    }
  });

  it('is waited for only so long when it does not come, and is counted among the bytes in flight meanwhile', async () => {
    const timers: { callback: () => void; ms: number }[] = [];
    const clock = { ...systemClock, setTimer: (callback: () => void, ms: number) => (timers.push({ callback, ms }), () => undefined) };
    const handler = createServingHandler([echo()], { authorize: 'public', clock, limits: { bytesInFlight: 1000, bodyTimeout: '30s' } });
    const ask = (body: BodyInit, length: number): Promise<Response> =>
      handler(new Request('http://models.test/v1/models/m:predict', { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': String(length) }, body, duplex: 'half' } as RequestInit));
    const whole = '{"instances":[1]}';
    const slow = ask(new ReadableStream({ start: (controller) => controller.enqueue(utf8('{')) }), 990);
    expect((await ask(whole, whole.length)).status).toBe(429);
    expect(timers.map(({ ms }) => ms)).toEqual([30_000]);
    timers[0]!.callback();
    expect((await slow).status).toBe(408);
    expect((await ask(whole, whole.length)).status).toBe(200);
  });
});

import { MemoryStorage } from 'modelkeep';
import { createStorageHandler } from 'modelkeep/server';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/core/digest.ts';
import { routes } from '../../src/server/routes.ts';
import { asFrames, clientOf, framesIn, framesOf } from './client.ts';

interface Operation {
  operationId: string;
  summary: string;
  parameters?: { name: string; in: string; schema: object }[];
  requestBody?: { content: Record<string, { schema?: object; 'x-frame-header'?: object }> };
  responses: Record<string, { description: string; content?: Record<string, { schema?: object }> }>;
}

interface Document {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

const ask = clientOf(createStorageHandler(new MemoryStorage(), { authorize: 'public', basePath: '/api' }), 'http://store.test/api/v1/');
const document = await ask.json<Document>('GET openapi.json');
const operations = Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })));

describe('the description of the protocol', () => {
  it('has each thing that can be asked for, once, and nothing else', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.servers).toEqual([{ url: '/api' }]);
    expect(operations.map(({ path, method }) => `${method} ${path}`).sort()).toEqual(routes.map(({ method, path }) => `${method.toLowerCase()} /v1${path}`).sort());
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(routes.length);
  });

  it('is well formed: parameters of paths are declared, references resolve, every answer is described', () => {
    for (const { path, operation } of operations) {
      const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path').map(({ name }) => name);
      expect(declared, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(Object.keys(operation.responses).every((status) => /^(?:[1-5]\d\d|[45]XX)$/.test(status)), path).toBe(true);
      expect(operation.summary.endsWith('.'), operation.operationId).toBe(true);
    }
    for (const [, name] of JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)) expect(document.components.schemas).toHaveProperty([name!]);
    expect(document.components.schemas['registry.promote']).toMatchObject({ type: 'object', required: expect.arrayContaining(['ref', 'stage', 'by', 'reason']) as string[] });
    expect(document.paths['/v1/records']!['get']!.parameters!.map(({ name }) => name)).toEqual(['prefix', 'after', 'limit']);
    expect(document.paths['/v1/batch/write']!['post']!.requestBody!.content['application/vnd.modelkeep.frames']!['x-frame-header']).toHaveProperty('anyOf');
  });

  it('tells the truth: each answer has a described status and a body of its schema', async () => {
    const digest = digestOf('x');
    await ask('PUT records/a', { body: 'x' });
    const { id } = await ask.json<{ id: string }>('POST uploads');
    const given: Record<string, { params?: Record<string, string>; headers?: Record<string, string>; body?: object | string }> = {
      readRecord: { params: { key: 'a' } },
      writeRecord: { params: { key: 'a' }, body: 'x' },
      deleteRecord: { params: { key: 'b' } },
      readRecords: { body: { keys: ['a'] } },
      writeRecords: { body: framesOf([{ kind: 'put', key: 'c' }, 'x'], [{ kind: 'put', key: 'c', condition: 'absent' }]), headers: asFrames },
      readLog: { params: { key: 'l' } },
      readLogFrom: { body: { key: 'l', after: '' } },
      append: { params: { key: 'l' }, body: framesOf([{ sizes: [1] }, 'x']), headers: asFrames },
      deleteLog: { params: { key: 'm' } },
      readBlob: { params: { digest } },
      writeBlob: { params: { digest }, body: 'x' },
      deleteBlob: { params: { digest: digestOf('y') } },
      uploadProgress: { params: { id } },
      uploadPart: { params: { id, part: '1' }, body: 'x', headers: { 'modelkeep-digest': digest } },
      commitUpload: { params: { id }, body: { parts: 1 } },
      cancelUpload: { params: { id: (await ask.json<{ id: string }>('POST uploads')).id } },
      changeModel: { params: { method: 'createModel' }, body: { input: { model: 'm' } } },
    };
    const order = ['beginUpload', 'uploadPart', 'uploadProgress', 'commitUpload', 'append', 'writeBlob'];
    const sorted = [...operations].sort((a, b) => rank(order, a.operation.operationId) - rank(order, b.operation.operationId));
    for (const { path, method, operation } of sorted) {
      const { params = {}, ...rest } = given[operation.operationId] ?? {};
      const target = path.replace('/v1/', '').replace(/\{(\w+)\}/g, (_, name: string) => params[name]!);
      const response = await ask(`${method.toUpperCase()} ${target}`, rest);
      expect(response.status, operation.operationId).toBe(200);
      const content = operation.responses['200']!.content ?? {};
      const type = response.headers.get('content-type');
      expect(Object.keys(content), operation.operationId).toEqual([type]);
      if (type !== 'application/json') {
        if (asFrames['content-type'] === type) expect((await framesIn(response)).at(-1)!.header).toEqual({ end: true });
        continue;
      }
      const route = routes.find((each) => each.id === operation.operationId)!;
      const schema = route.answers[200]!.schema;
      const body: unknown = await response.json();
      if (schema) expect(schema.safeParse(body), operation.operationId).toMatchObject({ success: true });
    }
    const missing = await ask('GET records/none');
    const error = routes.find(({ id: name }) => name === 'readRecord')!.answers[404]!.schema!;
    expect([missing.status, error.safeParse(await missing.json()).success]).toEqual([404, true]);
  });
});

function rank(order: readonly string[], id: string): number {
  const at = order.indexOf(id);
  return at === -1 ? order.length : at;
}

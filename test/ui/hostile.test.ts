import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryStorage, Registry, StorageError, Tracker } from 'modelkeep';
import { FilesystemStorage } from 'modelkeep/filesystem';
import { HttpStorage } from 'modelkeep/http';
import { createUiHandler } from 'modelkeep/ui';
import { beforeAll, describe, expect, it } from 'vitest';
import { demoStore, type DemoStore } from './demo-store.ts';
import { serveUi } from './ui-client.ts';

let demo: DemoStore;

beforeAll(async () => {
  demo = await demoStore();
});

const request = (host: string, path = '/runs', method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;

describe('requests that are not from a reader', () => {
  it('are refused when they were sent to another host, whatever its port', async () => {
    await using ui = await serveUi(demo.storage);
    for (const host of ['evil.example', `evil.example:${ui.server.port}`, 'localhost.evil.example', '127.0.0.1.evil.example', '127.0.0.2', '0.0.0.0', '[::]']) {
      const answer = await ui.server.raw(request(host), { end: false });
      expect([host, answer.split('\r\n')[0]]).toEqual([host, 'HTTP/1.1 421 Misdirected Request']);
      expect(answer).not.toContain('flight-delay');
    }
    for (const host of ['localhost', `LOCALHOST:${ui.server.port}`, '127.0.0.1:1', '[::1]:80']) {
      expect(await ui.server.raw(request(host), { end: false })).toContain('HTTP/1.1 200 OK');
    }
  });

  it('get no page for what is no page, and no file of the host', async () => {
    await using ui = await serveUi(demo.storage);
    const paths = ['/../../etc/passwd', '/runs/../../../etc/passwd', '/%2e%2e%2fetc/passwd', '/__proto__', '/constructor', '/toString', '//evil.example/runs', '/runs%00', '/runs;a'];
    for (const path of paths) {
      const answer = await ui.server.raw(request('localhost', path), { end: false });
      expect([path, answer.split('\r\n')[0]]).toEqual([path, 'HTTP/1.1 404 Not Found']);
      expect(answer).not.toContain('root:');
    }
    for (const [query, expected] of [['run=__proto__&name=../../../../etc/passwd', 404], [`run=${demo.runs[0]}&name=../../../../etc/passwd`, 400], [`run=${demo.runs[0]}&name=__proto__`, 404], ['run=../../x&name=a', 404]] as const) {
      for (const page of ['artifact', 'artifact-file']) expect([query, (await ui.get(`${page}?${query}`)).status]).toEqual([query, expected]);
    }
    for (const page of ['run?id=constructor', 'run?id=%00', 'model?name=__proto__', 'monitor?name=../../etc', 'pipeline-run?pipeline=retrain&id=..', 'version?model=flight-delay&version=1e3', 'live?of=__proto__', 'live?of=run&id=..%2F..']) {
      const { status } = await ui.get(page);
      expect([page, status === 400 || status === 404]).toEqual([page, true]);
    }
  });

  it('make no page fail by half a character in an address', async () => {
    await using ui = await serveUi(demo.storage, { write: true });
    const { runs } = demo;
    const half = '%ED%A0%80';
    const paths = [
      `artifact?run=${runs[0]}&name=${half}`,
      `artifact-file?run=${runs[0]}&name=${half}.txt`,
      `artifact-file?run=${runs[0]}&name=folder/${half}`,
      ...['run?id=', 'metric?name=loss&run=', 'model?name=', 'monitor?name=', 'pipeline?name=', 'test?name=', 'rollout?model=', 'feature-view?name=', 'version?version=1&model=', 'compare?run=', 'runs?filter=', 'runs?experiment='].map((path) => path + half),
    ];
    for (const path of paths) {
      const { status } = await ui.get(path);
      expect([path, status < 500]).toEqual([path, true]);
    }
    expect(ui.failures).toEqual([]);
  });

  it('are told that they are none where the standard has no such method or host', async () => {
    await using ui = await serveUi(demo.storage);
    for (const text of [request('localhost', '/runs', 'TRACE'), request('127.0.0.1:99999'), request('[::1'), request(':')]) {
      expect([text, (await ui.server.raw(text, { end: false })).split('\r\n')[0]]).toEqual([text, 'HTTP/1.1 400 Bad Request']);
    }
    expect(ui.failures).toEqual([]);
  });

  it('are no failures of the server when their reader leaves in the middle', async () => {
    const failures: unknown[] = [];
    const handler = createUiHandler(demo.storage, { write: true, onError: (error) => failures.push(error) });
    const left = AbortSignal.abort();
    for (const path of ['runs', `run?id=${demo.runs[0]}`, 'models', 'model?name=flight-delay']) await handler(new Request(`http://localhost/${path}`, { signal: left }));
    // A form of which a part comes, and then the connection is cut.
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('model=m')), pull: (controller) => controller.error(new Error('cut')) }, { highWaterMark: 0 });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: 'http://localhost' };
    const cut = await handler(new Request('http://localhost/promote', { method: 'POST', body, headers, duplex: 'half' } as RequestInit));
    expect([cut.status, failures]).toEqual([400, []]);
  });

  it('are bounded', async () => {
    await using ui = await serveUi(demo.storage);
    expect((await ui.get(`runs?filter=${'a'.repeat(9000)}`)).status).toBe(414);
    expect((await ui.get(`runs?limit=100000`)).status).toBe(400);
    expect((await ui.get(`compare?${Array.from({ length: 60 }, (_, i) => `run=${i}`).join('&')}`)).status).toBe(400);
    expect((await ui.get(`runs?${Array.from({ length: 60 }, (_, i) => `column=metrics.${i}`).join('&')}`)).status).toBe(400);
  });

  it('change nothing by any method but the one for it', async () => {
    await using ui = await serveUi(demo.storage, { write: true });
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'POST']) {
      const response = await fetch(`${ui.url}/runs`, { method });
      expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'GET, HEAD']);
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
    expect((await ui.get('promote?model=flight-delay&version=2&stage=production&reason=x')).status).toBe(405);
    const head = await fetch(`${ui.url}/runs`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });
});

describe('what is sent', () => {
  it('runs nothing but our own script, is framed by nobody and kept by nobody', async () => {
    await using ui = await serveUi(demo.storage);
    const { text, headers } = await ui.get('runs');
    const policy = headers.get('content-security-policy')!;
    const nonce = /script-src 'nonce-([^']+)'/.exec(policy)![1]!;
    expect(policy).toMatch(/^default-src 'none'; style-src 'nonce-[^']+'; script-src 'nonce-[^']+'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/);
    expect([...text.matchAll(/<script\b[^>]*>/g)].map(([tag]) => tag)).toEqual([`<script nonce="${nonce}">`]);
    expect(text).not.toMatch(/ style="| on[a-z]+="/);
    expect((await ui.get('runs')).text).not.toContain(nonce);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });

  it('keeps artifacts from being pages of ours', async () => {
    await using ui = await serveUi(demo.storage);
    for (const show of ['', '&show=1']) {
      const { headers, text } = await ui.get(`artifact-file?run=${demo.runs[0]}&name=report.html${show}`);
      expect(headers.get('content-type')).toBe('application/octet-stream');
      expect(headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''report.html");
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(text).toBe('<h1>mine</h1><script>document.title = "run"</script>');
    }
    const { text } = await ui.get(`artifact?run=${demo.runs[0]}&name=report.html`);
    expect(text).toContain('&#60;h1&#62;mine&#60;/h1&#62;');
    expect(text).not.toContain('<h1>mine');
    expect((await ui.get(`artifact?run=${demo.runs[0]}&name=predictions`)).text).toContain('AA1');
  });
});

describe('names in which there is nothing to see', () => {
  it('can be clicked on all the same', async () => {
    const storage = new MemoryStorage();
    const { id } = await new Tracker({ storage }).withRun({ experiment: ' ', name: '  ' }, async (run) => {
      run.logMetrics({ ' ': 1 });
      return run;
    });
    await using ui = await serveUi(storage);
    for (const path of ['runs', `run?id=${id}`, `compare?run=${id}`]) {
      const { text } = await ui.get(path);
      const links = [...text.matchAll(/<a [^>]*>(.*?)<\/a>/gs)].map(([, inside]) => inside!.replace(/<[^>]*>/g, ''));
      expect([path, links.filter((inside) => inside.trim() === '')]).toEqual([path, []]);
    }
  });
});

describe('changes', () => {
  const form = async (ui: Awaited<ReturnType<typeof serveUi>>): Promise<Record<string, string>> => {
    return { token: await ui.token('version?model=m&version=2'), model: 'm', version: '2', from: 'none', stage: 'production', reason: 'better' };
  };
  const withVersions = async (): Promise<{ storage: MemoryStorage; registry: Registry }> => {
    const storage = new MemoryStorage();
    const registry = new Registry({ storage });
    await registry.createModel('m');
    for (const content of ['1', '2']) await registry.registerVersion('m', { files: { a: content } });
    await registry.promote('m@1', 'production', { by: 'ada', reason: 'first' });
    return { storage, registry };
  };

  it('are made by a form of the page, with who made them and why in the history', async () => {
    const { storage, registry } = await withVersions();
    await using ui = await serveUi(storage, { write: true, actor: 'grace' });
    const sent = await form(ui);
    const { status, headers } = await ui.post('promote', sent);
    expect([status, headers.get('location')]).toEqual([303, '/version?model=m&version=2']);
    expect((await registry.history('m')).at(-1)).toMatchObject({ type: 'stage-changed', by: 'grace', reason: 'better', data: { version: 2, to: 'production' } });
    // The page that it was sent from is not what it was.
    expect((await ui.post('promote', { ...sent, stage: 'staging' })).status).toBe(409);
    const { text } = await ui.get('model?name=m');
    expect(text).toContain('Bring @1 back to production');
    expect((await ui.post('rollback', { token: sent['token']!, model: 'm', from: '2', to: '1', reason: 'drift' })).status).toBe(303);
    expect((await registry.getModel('m')).production).toBe(1);
    expect((await ui.post('rollback', { token: sent['token']!, model: 'm', from: '2', to: '1', reason: 'drift' })).status).toBe(409);
  });

  it('are refused from elsewhere, without a token, without a reason, and where nothing can be changed', async () => {
    const { storage, registry } = await withVersions();
    await using ui = await serveUi(storage, { write: true });
    await using readOnly = await serveUi(storage);
    const sent = await form(ui);
    const own = { origin: ui.url, 'sec-fetch-site': 'same-origin' };
    const refused: [status: number, answer: Promise<{ status: number }>][] = [
      [403, ui.post('promote', sent, { ...own, origin: 'https://evil.example' })],
      [403, ui.post('promote', sent, { ...own, origin: `http://127.0.0.1:${ui.server.port + 1}` })],
      [403, ui.post('promote', sent, { ...own, origin: 'null' })],
      [403, ui.post('promote', sent, { ...own, 'sec-fetch-site': 'cross-site' })],
      [403, ui.post('promote', sent, { 'sec-fetch-site': 'same-site' })],
      [403, ui.post('promote', sent, { 'sec-fetch-site': 'none' })],
      [403, ui.post('promote', sent, {})],
      [403, ui.post('promote', { ...sent, token: '' })],
      [403, ui.post('promote', { ...sent, token: 'f'.repeat(64) })],
      [403, ui.post('promote', { ...sent, token: `${sent['token']}0` })],
      [400, ui.post('promote', { ...sent, reason: '' })],
      [400, ui.post('promote', { ...sent, reason: '   ' })],
      [400, ui.post('promote', { ...sent, stage: '__proto__' })],
      [400, ui.post('promote', { ...sent, version: '2; drop' })],
      [404, ui.post('promote', { ...sent, model: '__proto__' })],
      [413, ui.post('promote', { ...sent, reason: 'a'.repeat(20_000) })],
      [415, fetch(`${ui.url}/promote`, { method: 'POST', body: JSON.stringify(sent), headers: { ...own, 'content-type': 'application/json' } })],
      [403, readOnly.post('promote', sent)],
    ];
    for (const [i, [status, answer]] of refused.entries()) expect([i, (await answer).status]).toEqual([i, status]);
    expect((await readOnly.get('version?model=m&version=2')).text).not.toContain('<form class="change"');
    expect((await registry.getModel('m')).production).toBe(1);
    expect(await registry.history('m')).toHaveLength(4);
  });

  it('go through the gates', async () => {
    await using ui = await serveUi(demo.storage, { write: true });
    const token = await ui.token('version?model=flight-delay&version=3');
    const { status, text } = await ui.post('promote', { token, model: 'flight-delay', version: '3', from: 'none', stage: 'production', reason: 'try' });
    expect(status).toBe(422);
    expect(text).toContain('0.75');
  });

  it('are made by whom a host says that it is, who has a token of their own', async () => {
    const { storage, registry } = await withVersions();
    const asked: unknown[] = [];
    const handler = createUiHandler(storage, {
      write: true,
      hosts: ['tools.example'],
      basePath: '/mlops',
      authorize: (incoming, access) => {
        asked.push(access);
        const actor = incoming.headers.get('x-user');
        return actor === null ? null : access.action === 'promote' && actor === 'eve' ? 'forbidden' : { actor };
      },
    });
    const ask = (path: string, user: string | undefined, init: RequestInit = {}): Promise<Response> => handler(new Request(`https://tools.example/mlops/${path}`, { ...init, headers: { host: 'tools.example', ...(user !== undefined && { 'x-user': user }), ...(init.headers as Record<string, string>) } }));
    const tokenOf = async (user: string): Promise<string> => /name="token" value="([0-9a-f]{64})"/.exec(await (await ask('version?model=m&version=2', user)).text())![1]!;
    const promote = async (user: string, token: string): Promise<number> =>
      (await ask('promote', user, { method: 'POST', body: new URLSearchParams({ ...(await form({ token: async () => token } as never)) }), headers: { origin: 'https://tools.example', 'sec-fetch-site': 'same-origin' } })).status;
    expect((await ask('runs', undefined)).status).toBe(401);
    const tokens = { ada: await tokenOf('ada'), eve: await tokenOf('eve') };
    expect(await promote('ada', tokens.eve)).toBe(403);
    expect(await promote('eve', tokens.eve)).toBe(403);
    expect(await promote('ada', tokens.ada)).toBe(303);
    expect(asked).toContainEqual({ action: 'promote', model: 'm' });
    expect((await registry.history('m')).at(-1)).toMatchObject({ by: 'ada' });
    const { status, headers } = await ask('', 'ada');
    expect([status, headers.get('location')]).toEqual([303, '/mlops/runs']);
  });
});

describe('a store that fails', () => {
  const directory = async (): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> => {
    const path = await mkdtemp(join(tmpdir(), 'modelkeep-ui-'));
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  };

  it('is said to be of a newer format, with what to do and without where it lies', async () => {
    await using place = await directory();
    await writeFile(join(place.path, 'modelkeep.json'), '{"format":"modelkeep","version":99}');
    await using storage = new FilesystemStorage(place.path);
    await using ui = await serveUi(storage);
    const { status, text } = await ui.get('runs');
    expect(status).toBe(501);
    expect(text).toContain('npm install modelkeep@latest');
    expect(text).not.toContain(place.path);
    expect(ui.failures).toHaveLength(1);
  });

  it('is said to be no store, and is not made one', async () => {
    await using place = await directory();
    await writeFile(join(place.path, 'something.txt'), 'else');
    await using storage = new FilesystemStorage(place.path);
    await using ui = await serveUi(storage);
    const { status, text } = await ui.get('models');
    expect([status, text.includes('This is no store'), text.includes(place.path)]).toEqual([500, true, false]);
  });

  it('is said to be out of reach', async () => {
    await using storage = new HttpStorage('http://127.0.0.1:9/secret-place', { retry: { limit: 0 } });
    await using ui = await serveUi(storage);
    const { status, text, headers } = await ui.get('runs');
    expect([status, headers.get('retry-after'), text.includes('cannot be reached'), text.includes('secret-place')]).toEqual([503, '2', true, false]);
  });

  it('names what is damaged, and shows what is whole', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage });
    const whole = await tracker.startRun({ experiment: 'e', name: 'whole run' });
    await whole.end();
    const broken = await tracker.startRun({ experiment: 'e', name: 'broken run' });
    await broken.end();
    const { key } = (await storage.list({ prefix: 'tracking/runs/', limit: 1 })).entries[0]!;
    await storage.write([{ kind: 'put', key, bytes: new TextEncoder().encode('{"cut') }]);
    await using ui = await serveUi(storage);
    const { status, text } = await ui.get('runs');
    expect([status, text.includes('whole run'), text.includes('1 run cannot be read')]).toEqual([200, true, true]);
    const page = await ui.get(`run?id=${broken.id}`);
    expect(page.status).toBe(500);
    expect(page.text).toContain('Stored data is damaged');
    expect(page.text).toContain('modelkeep store check');
  });

  it('does not tell what only the log is to say', async () => {
    const storage = new MemoryStorage();
    storage.list = () => Promise.reject(new StorageError('storage', 'EIO at /srv/secret/store', { key: '/srv/secret' }));
    await using ui = await serveUi(storage);
    const { status, text } = await ui.get('runs');
    expect([status, text.includes('secret')]).toEqual([500, false]);
    expect(String(ui.failures[0])).toContain('EIO');
  });
});

describe('options', () => {
  it('are refused where they are none', () => {
    const storage = new MemoryStorage();
    const wrong: [options: object, path: string][] = [
      [{ colour: 'red' }, 'colour'],
      [{ hosts: 'any' }, 'options.hosts'],
      [{ hosts: [] }, 'options.hosts'],
      [{ basePath: '/a/../b' }, 'options.basePath'],
      [{ basePath: 'a' }, 'options.basePath'],
      [{ timeZone: 'Mars/Olympus' }, 'options.timeZone'],
      [{ limits: { liveStreams: 0 } }, 'options.limits.liveStreams'],
      [{ actor: '' }, 'options.actor'],
    ];
    for (const [options, path] of wrong) expect(() => createUiHandler(storage, options), path).toThrow(path);
    expect(() => createUiHandler({} as never)).toThrow('storage');
  });
});

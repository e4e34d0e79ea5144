import { MemoryStorage, Registry, Tracker } from 'modelkeep';
import { createUiHandler } from 'modelkeep/ui';
import { describe, expect, it } from 'vitest';
import { serveUi } from './ui-client.ts';

/** Reads a stream of events until it has said something so often. */
async function heard(reader: ReadableStreamDefaultReader<Uint8Array>, what: string, times = 1): Promise<string> {
  let text = '';
  while (text.split(what).length <= times) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The stream ended with: ${text}`);
    text += new TextDecoder().decode(value);
  }
  return text;
}

describe('the stream of an open page', () => {
  it('tells that a run has gone on, and of the artifact that it has now', async () => {
    const storage = new MemoryStorage();
    const run = await new Tracker({ storage }).startRun({ experiment: 'live' });
    run.logMetrics({ loss: 1 }, { step: 0 });
    await run.flush();
    await using ui = await serveUi(storage);
    const page = await ui.get(`run?id=${run.id}`);
    const path = /data-live="\/([^"]*)"/.exec(page.text)![1]!.replaceAll('&#38;', '&');
    const stop = new AbortController();
    const response = await fetch(`${ui.url}/${path}`, { signal: stop.signal });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const reader = response.body!.getReader();
    await heard(reader, ': open');
    run.logMetrics({ loss: 0.5 }, { step: 1 });
    await run.flush();
    await heard(reader, 'event: change\ndata: {}\n\n');
    await run.logArtifact('a.txt', 'a');
    await heard(reader, 'event: change');
    stop.abort();
    await run.end();
    expect((await ui.get(`run?id=${run.id}`)).text).toContain('<main id="main" tabindex="-1">');
  });

  it('tells that a model has another version in production', async () => {
    const storage = new MemoryStorage();
    const registry = new Registry({ storage });
    await registry.createModel('a/b');
    await registry.registerVersion('a/b', { files: { f: '1' } });
    await using ui = await serveUi(storage);
    const response = await fetch(`${ui.url}/live?of=model&name=${encodeURIComponent('a/b')}`);
    const reader = response.body!.getReader();
    await heard(reader, ': open');
    await registry.promote('a/b@1', 'production', { by: 'ada', reason: 'first' });
    await heard(reader, 'event: change');
    await reader.cancel();
  });

  it('has one of so many places, and gives it back when its reader leaves', async () => {
    await using ui = await serveUi(new MemoryStorage(), { limits: { liveStreams: 2 } });
    const leave = [new AbortController(), new AbortController()];
    for (const { signal } of leave) {
      const { status, body } = await fetch(`${ui.url}/live?of=runs`, { signal });
      expect(status).toBe(200);
      await heard(body!.getReader(), ': open');
    }
    const refused = await ui.get('live?of=runs');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30']);
    leave[0]!.abort();
    let response = await fetch(`${ui.url}/live?of=runs`);
    while (response.status === 503) {
      await response.text();
      response = await fetch(`${ui.url}/live?of=runs`);
    }
    expect(response.status).toBe(200);
    await response.body!.cancel();
    leave[1]!.abort();
  });

  it('looks at nothing more when its reader has left', async () => {
    const storage = new MemoryStorage();
    let listeners = 0;
    const onChange = storage.onChange.bind(storage);
    storage.onChange = (wake) => {
      listeners++;
      const undo = onChange(wake);
      return () => {
        listeners--;
        undo();
      };
    };
    const handler = createUiHandler(storage);
    const response = await handler(new Request('http://localhost/live?of=model&name=m', { headers: { host: 'localhost' } }));
    const reader = response.body!.getReader();
    await heard(reader, ': open');
    expect(listeners).toBe(1);
    await reader.cancel();
    expect(listeners).toBe(0);
  });

  it('is of what there is', async () => {
    await using ui = await serveUi(new MemoryStorage());
    expect((await ui.get('live?of=nothing')).status).toBe(404);
    expect((await ui.get('live?of=run')).status).toBe(400);
    expect((await ui.get('live')).status).toBe(400);
  });
});

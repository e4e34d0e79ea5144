import { exportUiPage } from 'modelkeep/ui';
import { MemoryStorage, Tracker } from 'modelkeep';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoStore, type DemoStore } from './demo-store.ts';
import { serveUi, type UiServer } from './ui-client.ts';

/** The smallest picture that there is. */
const picture = Uint8Array.from(atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='), (letter) => letter.charCodeAt(0));

describe('a page as a file', () => {
  let demo: DemoStore;
  let ui: UiServer;

  beforeAll(async () => {
    demo = await demoStore();
    ui = await serveUi(demo.storage, { write: true, basePath: '/mlops' });
  });

  afterAll(() => ui[Symbol.asyncDispose]());

  it('is behind a link of each page, asks for nothing and lets nothing be changed', async () => {
    for (const path of ['runs', `run?id=${demo.runs[0]}`, `compare?run=${demo.runs[0]}&run=${demo.runs[4]}`, `metric?run=${demo.runs[0]}&name=loss`, 'models', 'model?name=flight-delay', 'version?model=flight-delay&version=2', 'features', `pipeline-run?id=${demo.pipelineRun}`, 'monitor?name=flight-delay', 'test?name=delay-model']) {
      const { text } = await ui.get(`mlops/${path}`);
      const href = /<a class="button" href="\/([^"]*)" download/.exec(text)![1]!.replaceAll('&#38;', '&');
      const file = await ui.get(href);
      expect([path, file.status, file.headers.get('content-disposition')]).toEqual([path, 200, expect.stringMatching(/^attachment; filename\*=UTF-8''modelkeep-[^/\\]+\.html$/)]);
      expect([path, file.text.match(/ (?:src|href|action|formaction|data-part|data-live)="(?!#|data:)[^"]*"|<form|<input|<button|name="token"|<script(?!>)|alert\(1\)</g)]).toEqual([path, null]);
      expect(file.headers.get('content-security-policy')).toContain('sandbox');
    }
  });

  it('has all curves and pictures in it, as the address asks', async () => {
    const tracker = new Tracker({ storage: demo.storage });
    const run = await tracker.startRun({ experiment: 'pictures', name: 'drawn' });
    run.logMetrics(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`m${i}`, i])));
    await run.logArtifact('confusion.png', picture, { mediaType: 'image/png' });
    await run.end();
    const text = await exportUiPage(demo.storage, `run?id=${run.id}`, { timeZone: 'Europe/Paris' });
    expect(text.match(/<figure id="chart-/g)).toHaveLength(20);
    expect(text).toContain('data-time-zone="Europe/Paris"');
    const shown = await exportUiPage(demo.storage, `https://tools.example.test/mlops/artifact?run=${run.id}&name=confusion.png`);
    expect(/<img class="picture" src="data:image\/png;base64,([^"]+)"/.exec(shown)![1]).toBe(btoa(String.fromCharCode(...picture)));
    const ordered = await exportUiPage(demo.storage, 'runs?experiment=flight-delay&by=metrics.loss&direction=asc&limit=2');
    expect([...ordered.matchAll(/rate 0\.\d+(?=<\/bdi>)/g)].map(([name]) => name)).toEqual(['rate 0.3', 'rate 0.1']);
  });

  it('is none where there is nothing to show', async () => {
    await expect(exportUiPage(new MemoryStorage(), 'model?name=none')).rejects.toMatchObject({ code: 'not-found' });
    await expect(exportUiPage(new MemoryStorage(), 'promote')).rejects.toMatchObject({ code: 'not-found' });
    await expect(exportUiPage(new MemoryStorage(), 'compare?run=1')).rejects.toMatchObject({ code: 'validation', message: 'Two runs or more are compared. Go back and choose them in the list of runs.' });
    await expect(exportUiPage(new MemoryStorage(), 'http://[')).rejects.toMatchObject({ code: 'validation' });
    await expect(exportUiPage(new MemoryStorage(), 'runs', { timeZone: 'Nowhere' })).rejects.toMatchObject({ code: 'validation' });
    expect((await ui.get(`mlops/run?id=01a22b2e-202c-73be-9c53-cb06b44922a1&export=1`)).status).toBe(404);
    await expect(exportUiPage(demo.storage, `run?id=${demo.runs[0]}`, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  });
});

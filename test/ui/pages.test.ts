import { MemoryStorage, Tracker } from 'modelkeep';
import { beforeAll, describe, expect, it } from 'vitest';
import { demoStore, hostileNames, type DemoStore } from './demo-store.ts';
import { serveUi } from './ui-client.ts';

let demo: DemoStore;

beforeAll(async () => {
  demo = await demoStore();
});

function unescaped(markup: string): string {
  return markup.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}

/** The pages that a reader can come to by links from the first one, so many of each kind. */
async function crawl(get: (path: string) => Promise<{ status: number; text: string }>, most: number): Promise<Map<string, { status: number; text: string }>> {
  const pages = new Map<string, { status: number; text: string }>();
  const waiting = ['runs'];
  const seen = new Map<string, number>();
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const kind = path.split('?')[0]!;
    const before = seen.get(kind) ?? 0;
    if (pages.has(path) || before === most) continue;
    seen.set(kind, before + 1);
    const page = await get(path);
    pages.set(path, page);
    for (const [, href] of page.text.matchAll(/(?:href|data-part)="\/([^"]*)"/g)) {
      const [next = ''] = unescaped(href!).split('#');
      // Orders of a list are as many as it has columns.
      if (!next.includes('by=') && !next.startsWith('artifact-file')) waiting.push(next);
    }
  }
  return pages;
}

describe('the pages over a store', () => {
  it('lead to each other, and none fails or lets a name become markup', async () => {
    await using ui = await serveUi(demo.storage, { write: true });
    const pages = await crawl(ui.get, 10);
    const kinds = new Set([...pages.keys()].map((path) => path.split('?')[0]));
    expect([...kinds].sort()).toEqual(
      ['artifact', 'feature-view', 'features', 'metric', 'metric-chart', 'model', 'models', 'monitor', 'monitors', 'pipeline', 'pipeline-run', 'pipelines', 'rollout', 'rollouts', 'run', 'runs', 'test', 'tests', 'version'].sort(),
    );
    for (const [path, { status, text }] of pages) {
      expect([path, status]).toEqual([path, 200]);
      expect([path, text.includes('<script>alert'), text.includes('<img src=x')]).toEqual([path, false, false]);
    }
    expect(pages.get('runs')!.text).toContain('&#60;script&#62;alert(1)');
    expect(ui.failures).toEqual([]);
  });

  it('show a run with all that it has', async () => {
    await using ui = await serveUi(demo.storage);
    const { text } = await ui.get(`run?id=${demo.runs[0]}`);
    for (const shown of ['rate 0.3', 'learningRate', 'val/auc', 'flights-2001-01', 'report.html', 'Seed with 7']) expect(text).toContain(shown);
    const chart = await ui.get(`metric-chart?run=${demo.runs[0]}&name=loss`);
    expect(chart.text).toContain('<svg');
    expect(chart.text).not.toContain('<html');
  });

  it('say how many of the points of a curve they show', async () => {
    await using ui = await serveUi(demo.storage, { limits: { points: 100 } });
    const { text } = await ui.get(`metric?run=${demo.runs[0]}&name=loss`);
    const [, shown] = /Showing (\d+) of 300 points/.exec(text)!;
    expect(Number(shown)).toBeGreaterThan(10);
    expect(Number(shown)).toBeLessThanOrEqual(100);
  });

  it('list runs by a filter and an order that stand in the address, page by page', async () => {
    await using ui = await serveUi(demo.storage);
    const filter = encodeURIComponent('metrics.loss < 0.2');
    const first = await ui.get(`runs?experiment=flight-delay&filter=${filter}&by=metrics.loss&direction=asc&limit=2&column=metrics.loss`);
    const names = (text: string): string[] => [...text.matchAll(/aria-label="Compare ([^"]*)"/g)].map(([, name]) => name!);
    expect(names(first.text)).toEqual(['rate 0.3', 'rate 0.1']);
    expect(first.text).toContain('aria-sort="ascending"');
    const next = unescaped(/rel="next" href="\/([^"]*)"/.exec(first.text)![1]!);
    expect(names((await ui.get(next)).text)).toEqual(['rate 0.03']);
    const wrong = await ui.get(`runs?filter=${encodeURIComponent('metrics.loss <')}`);
    expect(wrong.status).toBe(400);
    expect(wrong.text).toContain('The filter cannot be read at character 15');
  });

  it('compare runs, and refuse to compare one with nothing', async () => {
    await using ui = await serveUi(demo.storage);
    const { status, text } = await ui.get(`compare?run=${demo.runs[0]}&run=${demo.runs[1]}`);
    expect(status).toBe(200);
    for (const shown of ['learningRate', 'layers', 'metric-chart?run=']) expect(text).toContain(shown);
    const chart = await ui.get(`metric-chart?run=${demo.runs[0]}&run=${demo.runs[1]}&name=loss`);
    for (const shown of ['rate 0.3', 'rate 0.1']) expect(chart.text).toContain(shown);
    expect((await ui.get(`compare?run=${demo.runs[0]}`)).status).toBe(400);
  });

  it('find the pipeline of a run by the run alone', async () => {
    await using ui = await serveUi(demo.storage);
    const { text } = await ui.get(`pipeline-run?id=${demo.failedPipelineRun}`);
    expect(text).toContain('not run: upstream failed');
    // A name of 200 characters is kept as a hash in keys, and is read from its records.
    expect(text).toContain(hostileNames.long.slice(0, 200));
    expect((await ui.get('pipelines')).text).toContain(hostileNames.long.slice(0, 200));
  });

  it('say of a store without anything how to begin', async () => {
    await using ui = await serveUi(new MemoryStorage());
    for (const [path, begin] of [['runs', 'new Tracker'], ['models', 'new Registry'], ['features', 'new FeatureStore'], ['pipelines', 'new Pipeline'], ['monitors', 'new DriftMonitor'], ['rollouts', 'startRollout'], ['tests', 'new ABTest']] as const) {
      const { status, text } = await ui.get(path);
      expect([path, status, text.includes(begin)]).toEqual([path, 200, true]);
    }
    const gone = await ui.get('run?id=01a22b2e-202c-73be-9c53-cb06b44922a1');
    expect(gone.status).toBe(404);
    expect((await ui.get('model?name=none')).status).toBe(404);
    expect((await ui.get('monitor?name=none')).status).toBe(404);
    expect((await ui.get('test?name=none')).status).toBe(404);
    expect((await ui.get('rollout?model=none')).status).toBe(404);
  });

  it('read a page of a large list, not the list', async () => {
    const storage = new MemoryStorage();
    const tracker = new Tracker({ storage });
    for (let i = 0; i < 300; i++) await (await tracker.startRun({ experiment: 'many', name: `run ${i}` })).end();
    let read = 0;
    const reading = storage.read.bind(storage);
    storage.read = (keys, options) => {
      read += keys.length;
      return reading(keys, options);
    };
    await using ui = await serveUi(storage);
    const { text } = await ui.get('runs');
    expect(text).toContain('Showing 50 runs, newest first; more follow.');
    // The runs of the page and one experiment.
    expect(read).toBeLessThan(60);
  });
});

import { MemoryStorage, Tracker, type RunRecord } from 'modelkeep';
import { renderReport, type CurvesPart } from 'modelkeep/report';
import { describe, expect, test } from 'vitest';

const evil = '</title></script><script>alert(1)</script>"onload=';

function runOf(i: number, changes: Partial<RunRecord> = {}): RunRecord {
  const startedAt = Date.UTC(2026, 0, 1) + i * 60_000;
  return { id: `run-${i}`, experiment: 'demo', name: `run ${i}`, status: 'finished', startedAt, endedAt: startedAt + 90_000, params: { lr: i, batch: 32 }, tags: {}, metrics: { loss: { step: 1, timestamp: startedAt, value: i / 2 } }, droppedPoints: 0, ...changes };
}

const series = (values: readonly number[], timestamps = values.map((_, i) => i * 1_000)): CurvesPart['metrics'][number]['curves'][number]['series'] => ({
  steps: Float64Array.from(values, (_, i) => i),
  values: Float64Array.from(values),
  timestamps: Float64Array.from(timestamps),
  total: values.length,
  exact: true,
});

describe('renderReport', () => {
  test('one file that loads nothing: equal parts give equal bytes, and no name leaves its place', () => {
    const render = (): string => renderReport({ runs: { runs: [runOf(1, { name: evil, experiment: evil, params: { [evil]: evil } })] }, curves: { metrics: [{ name: evil, curves: [{ run: evil, series: series([1, 2]) }] }] } }, { title: evil });
    const page = render();
    expect(render()).toBe(page);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).not.toMatch(/(src|href)="(?!#)|@import|url\(/);
    // No attribute begins where a name ends.
    expect(page).not.toMatch(/"onload=/);
  });

  test('with files of its own, a page has no inline style or script at all', () => {
    const page = renderReport({ runs: { runs: [runOf(1)] }, curves: { metrics: [{ name: 'loss', curves: [{ run: 'a', series: series([1, 2]) }] }] } }, { assets: { style: '/a.css', script: '/a.js?x=1&y' } });
    expect(page).not.toMatch(/<style|<script>|\sstyle=|\son\w+=/);
    expect(page).toContain('<link rel="stylesheet" href="/a.css">');
    expect(page).toContain('<script src="/a.js?x=1&#38;y" defer></script>');
  });

  test('steps that are no numbers, among others in no order, are left out', () => {
    const steps = Float64Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? i * (i % 4 === 0 ? 1 : -1) : NaN));
    const page = renderReport({ curves: { metrics: [{ name: 'loss', curves: [{ run: 'a', series: { ...series(Array.from({ length: 400 }, (_, i) => i)), steps } }] }] } });
    const { ways } = JSON.parse(/ data-lines="([^"]*)"/.exec(page)![1]!.replaceAll('&#34;', '"')) as { ways: { maps?: number[][] }[] };
    for (const { maps: [map] = [] } of ways) {
      if (map === undefined) continue;
      const places = map.filter((_, i) => i % 2 === 0);
      expect(places.length).toBeGreaterThan(1);
      expect(places).toEqual([...places].sort((a, b) => a - b));
    }
  });

  test('an empty store and one run', () => {
    expect(renderReport({ runs: { runs: [] }, curves: { metrics: [] }, charts: [] })).toContain('There are no runs.');
    const one = renderReport({ runs: { runs: [runOf(7, { status: 'running', endedAt: undefined })] } });
    expect(one).toContain('1 run of experiment demo.');
    expect(one).toContain('<th scope="row">run 7<td>');
  });

  test('ten thousand runs are some of them, which is said', () => {
    const page = renderReport({ runs: { runs: Array.from({ length: 10_000 }, (_, i) => runOf(i)) } });
    expect(page).toContain('Showing 500 of 10,000 runs of experiment demo.');
    expect(page.match(/<tr>/g)).toHaveLength(501);
    expect(renderReport({ runs: { runs: [runOf(1)], total: 20 } })).toContain('Showing 1 of 20 runs');
  });

  test('params that are the same in all runs are no columns, and what is left out of many is counted', () => {
    const runs = [1, 2].map((i) => runOf(i, { params: Object.fromEntries(Array.from({ length: 11 }, (_, p) => [`p${p}`, i * p])) }));
    const page = renderReport({ runs: { runs } });
    expect(page).not.toContain('>p0</th>');
    expect(page).toContain('2 params are not shown.');
  });

  test('a link that would run code is none', () => {
    const page = renderReport({ runs: { runs: [runOf(1)], linkOf: () => 'java\nscript:alert(1)' } });
    expect(page).not.toContain('script:alert');
    expect(renderReport({ runs: { runs: [runOf(1)], linkOf: ({ id }) => `/runs/${id}` } })).toContain('<a href="/runs/run-1">run 1</a>');
  });

  test('a comparison tells what differs, which run is best, and hides what is the same', async () => {
    const tracker = new Tracker({ storage: new MemoryStorage() });
    const ids = [];
    for (const [lr, loss] of [[0.1, 0.5], [0.2, 0.25]] as const) {
      const run = await tracker.startRun({ experiment: 'demo', params: { lr, batch: 32 } });
      run.logMetrics({ loss });
      ids.push((await run.end()).id);
    }
    const page = renderReport({ comparison: await tracker.compareRuns(ids) });
    expect(page).toMatch(/<th scope="row">lr<td>differs<td class="n">0\.1<td class="n">0\.2</);
    expect(page).toMatch(/<td class="n">0\.5<td class="n"[^>]*><b>0\.25<\/b> <span class="badge good">best<\/span></);
    expect(page).toMatch(/<summary>1 the same in all<\/summary>.*<th scope="row">batch<td class="n">32</);
  });

  test('curves go along steps, the time since the start and the time of day', () => {
    const curves = [{ run: 'a', startedAt: 0, series: series([3, 2, 1], [0, 7_200_000, 3_600_000]) }];
    const page = (x: CurvesPart['x']): string => renderReport({ curves: { metrics: [{ name: 'loss', curves }], x } }, { timeZone: 'Asia/Tokyo' });
    expect(page('step')).toContain('a falls from 3 to 1 over 3 points; its least value is 1 at step 2.');
    // Points that came out of order are in the order of their times.
    expect(page('relative')).toContain('a falls from 3 to 2 over 3 points; its least value is 1 at hours since the start 1.');
    expect(page('wall')).toContain('its least value is 1 at time (Asia/Tokyo) 1970-01-01 10:00:00.');
  });

  test('times are in the zone that was asked for, and nothing tells when a report was made unless it is given', () => {
    expect(renderReport({ runs: { runs: [runOf(0)] } }, { timeZone: 'Europe/Berlin' })).toContain('2026-01-01 01:00:00');
    expect(renderReport({}, { createdAt: Date.UTC(2026, 10, 30, 6) })).toContain('2026-11-30 06:00:00</time> UTC');
  });

  test.each([
    [null, {}, /^parts is null, but must be an object; a report has runs, comparison/],
    [undefined, {}, /^parts is undefined, but must be an object/],
    [[], {}, /^parts is \[\], but must be an object/],
    [{ things: 1 }, {}, /parts has unknown parts: things; a report has runs, comparison/],
    [{}, { titel: 'a' }, /options has unknown options: titel/],
    [{}, { timeZone: 'Nowhere' }, /timeZone is "Nowhere"/],
    [{ curves: { metrics: [], x: 'epoch' } }, {}, /parts.curves.x must be one of "step", "relative", "wall"/],
  ])('refuses %j with %j', (parts, options, message) => {
    expect(() => renderReport(parts as never, options as never)).toThrow(message);
  });
});

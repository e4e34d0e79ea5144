import { lineChart, type LineSeries } from 'modelkeep/report';
import { describe, expect, test } from 'vitest';

const series = (name: string, y: readonly number[], x: readonly number[] = y.map((_, i) => i)): LineSeries => ({ name, x, y });

/** The coordinates of all vertices of a path, absolute. */
function vertices(path: string): [number, number][] {
  const points: [number, number][] = [];
  let [x, y] = [0, 0];
  for (const [, command, rest] of path.matchAll(/([Mlhv])([^Mlhv]*)/g)) {
    const [a = 0, b = 0] = (rest!.match(/-?(\d+\.?\d*|\.\d+)/g) ?? []).map(Number);
    if (command === 'M') [x, y] = [a, b];
    else if (command === 'l') [x, y] = [x + a, y + b];
    else if (command === 'h') x += a;
    else y += a;
    points.push([x, y]);
  }
  return points;
}

const lineOf = (svg: string): string => / d="([^"]+)"/.exec(/<path data-series[^>]*>/.exec(svg)![0])![1]!;
const labels = (svg: string): string[] => [...svg.matchAll(/<text [^>]*>([^<]*)/g)].map(([, text]) => text!);

describe('lineChart', () => {
  test('a million points are drawn as the extremes of columns: an outlier of one point is seen, and the text stays small', () => {
    const n = 1_000_000;
    const y = Float64Array.from({ length: n }, (_, i) => Math.sin(i / 1_000));
    y[777_777] = 9;
    const x = Float64Array.from(y, (_, i) => i);
    const chart = lineChart([{ name: 'loss', x, y }], { title: 'loss' });
    const svg = chart.toSVG();
    expect(svg.length).toBeLessThan(25_000);
    const top = vertices(lineOf(svg)).reduce((a, b) => (b[1] < a[1] ? b : a));
    const [left, right] = [vertices(lineOf(svg))[0]![0], vertices(lineOf(svg)).at(-1)![0]];
    expect((top[0] - left) / (right - left)).toBeCloseTo(0.7778, 2);
    expect(chart.summary).toContain('its greatest value is 9 at step 777,777');
  });

  test('the same series give the same text, and names are escaped everywhere', () => {
    const evil = '</svg><script>alert(1)</script>"\'&';
    const draw = (): string => lineChart([series(evil, [1, 2])], { title: evil, xLabel: evil, yLabel: evil }).toSVG();
    expect(draw()).toBe(draw());
    expect(draw()).not.toMatch(/<script|"'&[^#]/);
  });

  test('what is not finite parts the line and is told', () => {
    const chart = lineChart([series('loss', [3, NaN, 2, Infinity, 1, 0])], { title: 'loss' });
    expect(lineOf(chart.toSVG()).match(/M/g)).toHaveLength(3);
    expect(chart.summary).toBe('loss falls from 3 to 0 over 6 points; its least value is 0 at step 5. 2 values are not finite and leave gaps.');
  });

  test('a logarithmic axis tells what it leaves out, and has powers of ten', () => {
    const chart = lineChart([series('loss', [0, -1, 0.001, 1, 1_000])], { title: 'loss', y: 'log' });
    expect(chart.summary).toContain('2 points are not above 0 and left out of the logarithmic axis.');
    expect(labels(chart.toSVG())).toEqual(expect.arrayContaining(['0.001', '1', '1,000']));
  });

  test.each<[string, readonly LineSeries[]]>([
    ['nothing', []],
    ['an empty series', [series('a', [])]],
    ['only NaN', [series('a', [NaN, NaN])]],
    ['one point', [series('a', [5])]],
    ['equal values', [series('a', [2, 2, 2])]],
    ['the greatest doubles', [series('a', [-Number.MAX_VALUE, Number.MAX_VALUE])]],
    ['the least doubles', [series('a', [5e-324, 1e-323])]],
    ['the least double alone', [series('a', [5e-324])]],
    ['doubles without a reciprocal', [series('a', [1e-320])]],
    ['all doubles', [series('a', [5e-324, Number.MAX_VALUE])]],
    ['doubles of one logarithm', [series('a', [2 ** 53, 2 ** 53 + 2])]],
    ['neighbouring doubles', [series('a', [1, 1 + Number.EPSILON])]],
    ['huge steps', [series('a', [1, 2], [1e300, 1.1e300])]],
  ])('%s make a picture without NaN, linear, logarithmic and over time', (_name, lines) => {
    for (const x of ['linear', 'log', 'time'] as const) {
      for (const y of ['linear', 'log'] as const) {
        const chart = lineChart(lines, { title: 'any', x, y });
        expect(chart.toSVG()).not.toMatch(/="[^"]*(NaN|Infinity|undefined)/);
        expect(chart.summary).not.toBe('');
      }
    }
  });

  test('times have ticks where the clocks of the zone are round, over a change of clocks too', () => {
    const start = Date.UTC(2026, 2, 28, 12);
    const hours = Array.from({ length: 25 }, (_, i) => start + i * 3_600_000);
    const svg = lineChart([series('a', hours.map((_, i) => i), hours)], { title: 'a', x: 'time', timeZone: 'Europe/Berlin' }).toSVG();
    // The clock went from 02:00 to 03:00 on the 29th.
    expect(labels(svg)).toEqual(expect.arrayContaining(['18:00', 'Mar 29', '06:00', '12:00', 'time (Europe/Berlin)']));
  });

  test.each([['0050-06-01T12:00:00Z', '0050-06-01 12:53:28'], ['-000044-03-15T12:00:00Z', '-000044-03-15 12:53:28'], ['1969-12-31T23:59:59.999Z', '1970-01-01 00:59:59'], ['+012000-01-01T12:00:00Z', '+012000-01-01 13:00:00']])('a time of any century is what the clocks of the zone showed: %s', (iso, shown) => {
    const at = Date.parse(iso);
    expect(lineChart([{ name: 'a', x: [at], y: [1] }], { title: 'a', x: 'time', timeZone: 'Europe/Berlin' }).summary).toContain(` ${shown}.`);
  });

  test('whole steps have whole ticks, and no step is said to be between two', () => {
    const along = (steps: readonly number[]): string[] => [...lineChart([series('a', steps.map(() => 1), steps)], { title: 'a' }).toSVG().matchAll(/text-anchor="middle">([^<]*)/g)].map(([, text]) => text!);
    expect(along([0, 1])).toEqual(['0', '1']);
    expect(along([3])).toEqual(['2', '3', '4']);
    expect(along([0, 1, 2])).toEqual(['0', '1', '2']);
    expect(along([1_000_000, 1_000_001])).toHaveLength(2);
    // What is not whole keeps its fractions.
    expect(along([0, 0.5])).toContain('0.1');
  });

  test('series are told apart by more than colour, and no two of 100 look alike', () => {
    const svg = lineChart(Array.from({ length: 100 }, (_, i) => series(`s${i}`, [i])), { title: 'many', maxSeries: 100 }).toSVG();
    const legend = svg.slice(svg.indexOf('class="legend"'));
    const looks = [...legend.matchAll(/<g class="s\d" color="([^"]+)">(.*?)<\/g>/g)].map(([, color, marks]) => `${color} ${marks!.replace(/(cx|cy|d)="(M[\d.]+ [\d.]+|[\d.]+)/g, '')}`);
    expect(new Set(looks).size).toBe(100);
  });

  test('more series than are drawn are counted', () => {
    const chart = lineChart(Array.from({ length: 30 }, (_, i) => series(`s${i}`, [i])), { title: 'many' });
    expect(chart.summary).toContain('10 series are left out.');
    expect(chart.table.leftOut).toContain('10 series are left out.');
  });

  test.each([
    [{ title: 'a', width: 10 }, /options.width must be at least 160/],
    [{ title: 'a', colour: 'red' }, /options has unknown options: colour/],
    [{ title: 'a', smoothing: { method: 'exponential', weight: 1 } }, /options.smoothing.weight must be less than 1/],
    [{ title: 'a', timeZone: 'Mars/Olympus' }, /timeZone is "Mars\/Olympus"/],
  ])('refuses %j', (options, message) => {
    expect(() => lineChart([], options as never)).toThrow(message);
  });

  test('refuses a series with more x than y', () => {
    expect(() => lineChart([{ name: 'a', x: [1, 2], y: [1] }], { title: 'a' })).toThrow("Series 'a' has 2 x and 1 y");
  });
});

import type { AlertEvent } from '../../monitoring/alerts/alert-source.ts';
import type { PeriodPerformance } from '../../monitoring/performance/judge-period.ts';
import { html, type Html } from '../markup/html.ts';
import { formatCount, formatNumber, formatPercent } from '../svg/format.ts';
import { seriesStyle } from '../svg/palette.ts';
import { extent, linear } from '../svg/scale.ts';
import { linePath, px } from '../svg/shapes.ts';
import { signAt, type Sign } from '../svg/signs.ts';
import { temporal } from '../svg/time-scale.ts';
import { formatWallTime } from '../svg/wall-time.ts';
import { DrawnChart, type Chart } from './chart.ts';
import { signLegend } from './sign-legend.ts';
import { clockOf, type TimeChartOptions } from './time-options.ts';
import { timePanels, type PlacedPanel } from './time-panels.ts';

/** How good a model was in period after period, and what it is held to. */
export interface PerformanceHistory {
  /** Periods, oldest first, as `monitor.performances()` lists them; those that labels may still come for (`verdict.performance.open`) may follow. */
  readonly periods: readonly PeriodPerformance[];
  /** The bound that the metric must not be below, as the monitor has it. @default none is shown */
  readonly min?: number | undefined;
  /** The bound that it must not be above. @default none is shown */
  readonly max?: number | undefined;
  /** Alerts, as `monitor.alertHistory()` lists them; those about performance are marked. @default none is marked */
  readonly alerts?: readonly AlertEvent[] | undefined;
}

const width = 760;
const mostPeriods = 300;

/**
 * The performance of a model in time: the metric of each period with its interval and its verdict by the form of its mark, the bounds that it is held to, alerts where they began and ended, and below what share of predictions had labels. Of many periods the
 * latest are shown, and the chart says how many it left out.
 *
 * @example
 * ```ts
 * import { DriftMonitor, MemoryStorage, profileData } from 'modelkeep';
 * import { performanceOverTime } from 'modelkeep/report';
 *
 * const reference = profileData({ x: [1, 2, 3], class: ['a', 'b', 'a'] }, { prediction: 'class' });
 * const performance = { metric: 'accuracy', min: 0.8, maxLabelDelay: '2h' } as const;
 * await using monitor = new DriftMonitor({ storage: new MemoryStorage(), name: 'flights', reference, window: { rows: 1000 }, performance });
 * for (let i = 0; i < 50; i++) {
 *   monitor.observe({ id: i, features: { x: 1 }, prediction: 'a' });
 *   monitor.feedback({ id: i, label: i < 45 ? 'a' : 'b' });
 * }
 * const { performance: report } = await monitor.check();
 * const chart = performanceOverTime({ periods: report?.open ?? [], min: 0.8 });
 * console.log(chart.title, chart.table.rows.reduce((sum, row) => sum + Number(row[5]), 0)); // accuracy over time 50
 * ```
 */
export function performanceOverTime({ periods: all, min, max, alerts = [] }: PerformanceHistory, options: TimeChartOptions = {}): Chart {
  const clock = clockOf(options);
  const periods = all.slice(-mostPeriods);
  const metric = periods.at(-1)?.metric ?? 'performance';
  const left = periods.length < all.length ? `The picture shows the last ${periods.length} of ${all.length} periods.` : undefined;
  const bounds = [min, max].filter((bound) => bound !== undefined && Number.isFinite(bound)) as number[];
  const values = periods.flatMap(({ value, low, high }) => [value, low, high].filter((each) => each !== null));
  const span = [periods[0]?.start ?? 0, periods.at(-1)?.end ?? 1] as const;
  const statuses = (Object.keys(looks) as Look[]).filter((look) => periods.some((period) => lookOf(period) === look));
  const told = alerts.filter(({ data, at }) => (data.kind === 'performance' || data.kind === 'concept') && at >= span[0]).map((alert) => ({ alert, at: placeOf(alert, all) }));
  const legend = signLegend([...statuses.map((look) => ({ name: looks[look].words, draw: (x: number, y: number) => mark(look, x, y) })), ...(told.length === 0 ? [] : [{ name: 'alert begins', draw: (x: number, y: number) => alertMark('firing', x, y) }, { name: 'alert resolved', draw: (x: number, y: number) => alertMark('resolved', x, y) }])], width);
  const [low, high] = extent([values, bounds]) ?? [0, 1];
  const room = Math.max((high - low) * 0.08, 1e-6 * Math.max(Math.abs(low), Math.abs(high)));
  const panels = timePanels({
    width,
    top: legend.height,
    x: temporal(span, clock),
    xLabel: `time, ${clock.timeZone}`,
    panels: [
      { label: metric, height: 190, y: linear([low - room, high + room]) },
      { label: '% of predictions with a label', height: 54, y: linear([0, 100]) },
    ],
  });
  const [upper, lower] = panels.panels as readonly [PlacedPanel, PlacedPanel];
  const at = ({ start, end }: PeriodPerformance): number => panels.x.at((start + end) / 2);
  const line = seriesStyle(0);
  const marks = html`${legend.draw(0)}${panels.axes}${bounds.map((bound) => boundLine(bound, bound === min ? 'min' : 'max', panels.left, panels.right, upper))}<g class="${line.className}" color="${line.color}"><path d="${linePath(periods.map((period) => [at(period), period.value === null ? NaN : upper.y.at(period.value)]))}" fill="none" stroke="currentColor" stroke-width="1.5" stroke-opacity=".6"/>${periods.map((period) => whisker(period, at(period), upper))}</g>${periods.map((period) => mark(lookOf(period), at(period), period.value === null ? upper.bottom - 8 : upper.y.at(period.value), `${formatWallTime(clock, period.start)}: ${wordsOf(period)}`))}${told.map(({ alert, at: when }) => alertMark(alert.data.status, panels.x.at(when), upper.top + 8, alert.data.summary))}${coverageBars(periods, panels.x.at, lower)}`;
  return new DrawnChart({
    title: `${metric} over time`,
    summary: `${summaryOf(all, { min, max }, alerts)}${left === undefined ? '' : ` ${left}`}`,
    table: {
      columns: [`period from, ${clock.timeZone}`, metric, 'low', 'high', 'verdict', 'predictions', 'with label, %', 'final'],
      rows: periods.map((period) => [formatWallTime(clock, period.start), period.value, period.low, period.high, period.status, period.predictions, 100 * period.coverage, period.final ? 'yes' : 'no']),
      leftOut: left,
    },
    width,
    height: panels.height,
    marks: periods.length === 0 ? html`<text x="4" y="${px(panels.height / 2)}">No period was judged.</text>` : marks,
    vegaLite: () => vegaLite(periods, metric, bounds),
  });
}

type Look = PeriodPerformance['status'] | 'open';

const looks: Readonly<Record<Look, { readonly sign: Sign | 'dot'; readonly color: number; readonly words: string }>> = {
  held: { sign: 'dot', color: 0, words: 'held' },
  violated: { sign: 'cross', color: 1, words: 'violated' },
  insufficient: { sign: 'ring', color: 6, words: 'too few labels' },
  open: { sign: 'diamond', color: 4, words: 'labels may still come' },
};

function lookOf({ status, final }: PeriodPerformance): Look {
  return final ? status : 'open';
}

function mark(look: Look, x: number, y: number, tip?: string): Html {
  const { sign, color } = looks[look];
  const style = seriesStyle(color);
  const title = tip !== undefined && html`<title>${tip}</title>`;
  return html`<g class="${style.className}" color="${style.color}">${title}${sign === 'dot' ? html`<circle cx="${px(x)}" cy="${px(y)}" r="4" fill="currentColor"/>` : signAt(sign, x, y)}</g>`;
}

function alertMark(status: AlertEvent['data']['status'], x: number, y: number, tip?: string): Html {
  const style = seriesStyle(status === 'firing' ? 1 : 2);
  return html`<g class="${style.className}" color="${style.color}">${tip !== undefined && html`<title>${tip}</title>`}${signAt(status === 'firing' ? 'down' : 'check', x, y)}</g>`;
}

/** An alert stands at the period that it was decided by, not where somebody came to judge it. */
function placeOf({ data, at }: AlertEvent, periods: readonly PeriodPerformance[]): number {
  const period = periods.filter(({ final }) => final)[data.window - 1];
  return period === undefined ? at : (period.start + period.end) / 2;
}

function whisker({ low, high }: PeriodPerformance, x: number, { y }: PlacedPanel): Html | undefined {
  if (low === null || high === null) return undefined;
  return html`<path d="M${px(x - 3)} ${px(y.at(low))}h6m-3 0V${px(y.at(high))}m-3 0h6" fill="none" stroke="currentColor" stroke-opacity=".7"/>`;
}

function boundLine(bound: number, which: 'min' | 'max', left: number, right: number, { y }: PlacedPanel): Html {
  const at = y.at(bound);
  return html`<path d="M${px(left)} ${px(at)}H${px(right)}" stroke="currentColor" stroke-dasharray="6 4"/><text x="${px(right)}" y="${px(which === 'min' ? at + 14 : at - 5)}" text-anchor="end">${which} ${formatNumber(bound)}</text>`;
}

function coverageBars(periods: readonly PeriodPerformance[], at: (time: number) => number, { y, bottom }: PlacedPanel): Html {
  const style = seriesStyle(5);
  const path = periods.map(({ start, end, coverage }) => {
    const [left, right] = [at(start), at(end)];
    const gap = Math.min(2, (right - left) / 5);
    return `M${px(left + gap)} ${px(bottom)}V${px(y.at(100 * coverage))}H${px(right - gap)}V${px(bottom)}z`;
  });
  return html`<g class="${style.className}" color="${style.color}"><path d="${path.join('')}" fill="currentColor" fill-opacity=".7"/></g>`;
}

function wordsOf({ metric, value, low, high, status, final, labelled, predictions }: PeriodPerformance): string {
  const measured = value === null ? `${metric} is not defined` : `${metric} ${formatNumber(value)}${low === null || high === null ? '' : ` (${formatNumber(low)} to ${formatNumber(high)})`}`;
  return `${measured}, ${looks[status].words}${final ? '' : ', not final'}; ${formatNumber(labelled)} of ${formatCount(predictions, 'prediction')} with a label`;
}

function summaryOf(periods: readonly PeriodPerformance[], { min, max }: Pick<PerformanceHistory, 'min' | 'max'>, alerts: readonly AlertEvent[]): string {
  const last = periods.at(-1);
  if (last === undefined) return 'No period was judged.';
  const bounds = [min === undefined ? undefined : `at least ${formatNumber(min)}`, max === undefined ? undefined : `at most ${formatNumber(max)}`].filter((bound) => bound !== undefined);
  const violated = periods.filter(({ status, final }) => final && status === 'violated').length;
  const firing = new Map(alerts.filter(({ data }) => data.kind === 'performance').map(({ data }) => [data.id, data.status]));
  const open = [...firing.values()].filter((status) => status === 'firing').length;
  const labelled = periods.reduce((sum, period) => sum + period.labelled, 0) / Math.max(1, periods.reduce((sum, period) => sum + period.predictions, 0));
  return [
    `${formatCount(periods.length, 'period')}; in the last one ${wordsOf(last)}.`,
    bounds.length > 0 && `It must be ${bounds.join(' and ')}; ${violated === 0 ? 'no final period violated that' : `${formatCount(violated, 'final period')} violated that`}.`,
    `${formatPercent(labelled)} of all predictions have a label.`,
    open > 0 && `${formatCount(open, 'alert')} about it still ${open === 1 ? 'fires' : 'fire'}.`,
  ]
    .filter((part) => typeof part === 'string')
    .join(' ');
}

function vegaLite(periods: readonly PeriodPerformance[], metric: string, bounds: readonly number[]): Readonly<Record<string, unknown>> {
  const x = { field: 'at', type: 'temporal', title: 'time' };
  return {
    vconcat: [
      {
        data: { values: periods.map((period) => ({ at: (period.start + period.end) / 2, value: period.value, low: period.low, high: period.high, verdict: looks[lookOf(period)].words })) },
        layer: [
          { mark: 'rule', encoding: { x, y: { field: 'low', type: 'quantitative', title: metric, scale: { zero: false } }, y2: { field: 'high' } } },
          { mark: 'line', encoding: { x, y: { field: 'value', type: 'quantitative' } } },
          { mark: { type: 'point', filled: true }, encoding: { x, y: { field: 'value', type: 'quantitative' }, shape: { field: 'verdict', type: 'nominal' }, color: { field: 'verdict', type: 'nominal' } } },
          ...bounds.map((bound) => ({ mark: { type: 'rule', strokeDash: [6, 4] }, encoding: { y: { datum: bound } } })),
        ],
      },
      { height: 60, data: { values: periods.map((period) => ({ at: (period.start + period.end) / 2, coverage: 100 * period.coverage })) }, mark: 'bar', encoding: { x, y: { field: 'coverage', type: 'quantitative', title: '% with a label', scale: { domain: [0, 100] } } } },
    ],
  };
}

import type { GuardrailStatus, GuardrailVerdict } from '../../serving/rollout/guardrail.ts';
import type { RolloutEvent, RolloutEventType } from '../../serving/rollout/rollout-event.ts';
import { html, type Html } from '../markup/html.ts';
import { band } from '../svg/band-scale.ts';
import { formatCount, formatDuration, formatNumber } from '../svg/format.ts';
import { seriesStyle } from '../svg/palette.ts';
import { linear } from '../svg/scale.ts';
import { sentence } from '../svg/sentence.ts';
import { linePath } from '../svg/shapes.ts';
import { signAt, type Sign } from '../svg/signs.ts';
import { temporal } from '../svg/time-scale.ts';
import { formatWallTime } from '../svg/wall-time.ts';
import { DrawnChart, type Chart } from './chart.ts';
import { signLegend } from './sign-legend.ts';
import { clockOf, type TimeChartOptions } from './time-options.ts';
import { timePanels, type PlacedPanel } from './time-panels.ts';

const width = 760;
const mostEvents = 400;
const mostGuardrails = 20;

/**
 * One rollout in time: what share of requests the candidate answered, what happened to it, and below what each guardrail came to whenever a look at it changed something. Give the events of one rollout, oldest first, as
 * `deployment.rolloutHistory()` has them; of several the last is shown.
 *
 * @example
 * ```ts
 * import { Deployment, MemoryStorage, Registry } from 'modelkeep';
 * import { rolloutTimeline } from 'modelkeep/report';
 *
 * const storage = new MemoryStorage();
 * const registry = new Registry({ storage });
 * await registry.createModel('m');
 * for (const version of [1, 2]) await registry.registerVersion('m', { files: { 'model.json': `${version}` } });
 * await registry.promote('m@1', 'production', { by: 'ann', reason: 'the first' });
 * const deployment = new Deployment<number, number>({ storage, registry, model: 'm', load: () => ({ predict: (x) => x }) });
 * await deployment.ready();
 * await deployment.startRollout({ candidate: 2, steps: [{ weight: 10, hold: '1h' }] });
 * await deployment.abortRollout({ by: 'ann', reason: 'not today' });
 * const chart = rolloutTimeline(await deployment.rolloutHistory());
 * console.log(chart.table.rows.map(([, what]) => what).at(-1)); // aborted
 * await deployment.close();
 * ```
 */
export function rolloutTimeline(history: readonly RolloutEvent[], options: TimeChartOptions = {}): Chart {
  const clock = clockOf(options);
  const events = lastRollout(history);
  const shown = events.slice(0, mostEvents);
  const looks = shown.map((event) => ({ at: event.data.decidedAt, verdicts: verdictsOf(event) }));
  const told = looks.map((look, i) => ({ ...look, verdicts: look.verdicts.filter((verdict) => verdict.status === 'failed' || looks[i + 1]?.at !== look.at) }));
  const names = [...new Set(looks.flatMap(({ verdicts }) => verdicts.map(({ guardrail }) => guardrail)))].slice(0, mostGuardrails);
  const left = events.length > shown.length ? `The picture shows the first ${shown.length} of ${events.length} events.` : undefined;
  const times = shown.map(({ data }) => data.decidedAt);
  const [from, to] = times.length === 0 ? [0, 1] : [Math.min(...times), Math.max(...times)];
  // Signs at both ends are not to touch what stands beside them.
  const room = (to - from) * 0.02;
  const statuses = (Object.keys(statusLooks) as GuardrailStatus[]).filter((status) => looks.some(({ verdicts }) => verdicts.some((verdict) => verdict.status === status)));
  const legend = signLegend(statuses.map((status) => ({ name: statusLooks[status].words, draw: (x, y) => statusMark(status, x, y) })), width);
  const panels = timePanels({
    width,
    top: legend.height,
    x: temporal([from - room, to + room], clock),
    xLabel: `time, ${clock.timeZone}`,
    panels: [
      { label: '% of requests that the candidate answers', height: 130, y: linear([0, 100]) },
      ...(names.length === 0 ? [] : [{ label: 'guardrails', height: 22 * names.length, y: band([...names].reverse()) }]),
    ],
  });
  const [weights, lanes] = panels.panels as readonly [PlacedPanel, PlacedPanel | undefined];
  const points = shown.flatMap(({ data }, i): [number, number][] => {
    const x = panels.x.at(data.decidedAt);
    const y = weights.y.at(100 * data.weight);
    const before = shown[i - 1];
    return before === undefined ? [[x, y]] : [[x, weights.y.at(100 * before.data.weight)], [x, y]];
  });
  const line = seriesStyle(0);
  const marks = html`${legend.draw(0)}${panels.axes}<g class="${line.className}" color="${line.color}"><path d="${linePath(points)}" fill="none" stroke="currentColor" stroke-width="2.5"/></g>${eventMarks(shown, panels.x.at, weights)}${
    lanes && told.map(({ at, verdicts }) => verdicts.filter(({ guardrail }) => names.includes(guardrail)).map((verdict) => verdictMark(verdict, panels.x.at(at), lanes.y.at(names.length - 1 - names.indexOf(verdict.guardrail)))))
  }`;
  return new DrawnChart({
    title: titleOf(events),
    summary: `${summaryOf(events)}${left === undefined ? '' : ` ${left}`}`,
    table: {
      columns: [`when, ${clock.timeZone}`, 'what', 'weight, %', 'stage', 'by', 'why'],
      rows: shown.map(({ data, type, by }) => [formatWallTime(clock, data.decidedAt), eventWords[type], 100 * data.weight, data.stage + 1, by ?? '', data.why]),
      leftOut: left,
    },
    width,
    height: panels.height,
    marks,
    vegaLite: () => ({
      data: { values: shown.map(({ data, type }) => ({ at: data.decidedAt, weight: 100 * data.weight, event: eventWords[type], why: data.why })) },
      encoding: { x: { field: 'at', type: 'temporal', title: 'time' }, y: { field: 'weight', type: 'quantitative', title: '% of requests', scale: { domain: [0, 100] } } },
      layer: [{ mark: { type: 'line', interpolate: 'step-after' } }, { mark: { type: 'point', filled: true }, encoding: { shape: { field: 'event', type: 'nominal' }, tooltip: [{ field: 'event' }, { field: 'why' }] } }],
    }),
  });
}

/** The events of the last rollout in a history, oldest first. */
export function lastRollout(history: readonly RolloutEvent[]): readonly RolloutEvent[] {
  const last = history.at(-1)?.data.rollout;
  return history.filter(({ data }) => data.rollout === last);
}

/** What the guardrails came to in the look that an event tells of; none of other events. */
export function verdictsOf({ data: { input } }: RolloutEvent): readonly GuardrailVerdict[] {
  return input.type === 'look' && Array.isArray(input['verdicts']) ? (input['verdicts'] as readonly GuardrailVerdict[]) : [];
}

/** What happened, in words. */
export const eventWords: Readonly<Record<RolloutEventType, string>> = {
  started: 'started',
  judged: 'guardrails judged',
  'stage-entered': 'stage entered',
  paused: 'paused',
  resumed: 'resumed',
  promoting: 'about to be promoted',
  promoted: 'promoted',
  completed: 'completed',
  restoring: 'going back',
  'rolled-back': 'rolled back',
  aborted: 'aborted',
};

const eventSigns: Readonly<Record<RolloutEventType, Sign>> = {
  started: 'ring',
  judged: 'dots',
  'stage-entered': 'up',
  paused: 'pause',
  resumed: 'up',
  promoting: 'up',
  promoted: 'check',
  completed: 'check',
  restoring: 'down',
  'rolled-back': 'cross',
  aborted: 'stop',
};

const statusLooks: Readonly<Record<GuardrailStatus, { readonly sign: Sign; readonly color: number; readonly words: string }>> = {
  success: { sign: 'check', color: 2, words: 'guardrail holds' },
  failed: { sign: 'cross', color: 1, words: 'guardrail failed' },
  inconclusive: { sign: 'ring', color: 6, words: 'inconclusive' },
  error: { sign: 'blocked', color: 1, words: 'could not be looked at' },
};

function statusMark(status: GuardrailStatus, x: number, y: number, tip?: string): Html {
  const { sign, color } = statusLooks[status];
  const style = seriesStyle(color);
  return html`<g class="${style.className}" color="${style.color}">${tip !== undefined && html`<title>${tip}</title>`}${signAt(sign, x, y)}</g>`;
}

function verdictMark({ guardrail, status, reason }: GuardrailVerdict, x: number, y: number): Html {
  return statusMark(status, x, y, `${guardrail}: ${statusLooks[status].words}: ${reason}`);
}

/** A sign for each event but for looks, which the lanes below show. Where they would touch, they stand one above the other. */
function eventMarks(events: readonly RolloutEvent[], at: (time: number) => number, { y, top }: PlacedPanel): Html {
  let lastX = -Infinity;
  let raised = 0;
  return html`<g>${events.filter(({ type }) => type !== 'judged').map(({ type, data, by, reason }) => {
    const x = at(data.decidedAt);
    raised = x - lastX < 12 ? raised + 1 : 0;
    lastX = x;
    const below = y.at(100 * data.weight) - 11 - raised * 13;
    const told = `${eventWords[type]}${by === undefined ? '' : ` by ${by}`}${reason === undefined ? '' : ` (${reason})`}: ${data.why}`;
    return html`<g><title>${told}</title>${signAt(eventSigns[type], x, Math.max(top + 6, below))}</g>`;
  })}</g>`;
}

function titleOf([first]: readonly RolloutEvent[]): string {
  return first === undefined ? 'Rollout' : `Rollout of ${first.subject.id}@${first.data.candidate} over @${first.data.stable}`;
}

function summaryOf(events: readonly RolloutEvent[]): string {
  const [first, last] = [events[0], events.at(-1)];
  if (first === undefined || last === undefined) return 'Nothing has happened.';
  const steps = [...new Set(events.map(({ data }) => data.weight))].map((weight) => `${formatNumber(100 * weight)} %`);
  const end = last.data.outcome === undefined ? `stands at ${formatNumber(100 * last.data.weight)} % of requests` : `was ${last.data.outcome.replace('-', ' ')}`;
  return `Version ${first.data.candidate} ${end} after ${formatDuration(last.data.decidedAt - first.data.decidedAt)} and ${formatCount(events.length, 'event')}, with weights of ${steps.join(', ')}: ${sentence(last.data.why)}`;
}

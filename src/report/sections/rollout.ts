import type { GuardrailStatus, GuardrailVerdict } from '../../serving/rollout/guardrail.ts';
import type { RolloutEvent } from '../../serving/rollout/rollout-event.ts';
import type { RolloutStatus } from '../../serving/rollout/rollout-status.ts';
import { eventWords, lastRollout, rolloutTimeline, verdictsOf } from '../charts/rollout-timeline.ts';
import { html, type Html } from '../markup/html.ts';
import type { ReportContext } from '../page/context.ts';
import { figureOf } from '../page/figure.ts';
import type { Section } from '../page/section.ts';
import { tableOf } from '../page/table.ts';
import { formatNumber } from '../svg/format.ts';
import { sentence } from '../svg/sentence.ts';
import { badge, facts, prose, type Badge, type Fact } from './badge.ts';

/** A rollout of a version. */
export interface RolloutPart {
  /** Its events, oldest first, as `deployment.rolloutHistory()` gives them; of several rollouts the last is shown. */
  readonly events: readonly RolloutEvent[];
  /** Where it stands, as `deployment.rollout()` gives it. @default what the last event tells */
  readonly status?: RolloutStatus | undefined;
}

const mostEvents = 200;

/** A rollout: where it stands and why, its weights and guardrails in time, what each guardrail said last with its evidence, and what happened, by whom and why. */
export function rolloutSection({ events: history, status }: RolloutPart, context: ReportContext, id: string): Section {
  const events = lastRollout(history);
  const [first, last] = [events[0], events.at(-1)];
  if (first === undefined || last === undefined) return { id, title: 'Rollout', body: html`<p>There was no rollout.</p>` };
  const own = status?.id === last.data.rollout ? status : undefined;
  const verdicts = own?.verdicts.length ? own.verdicts : (events.map(verdictsOf).findLast((each) => each.length > 0) ?? []);
  const shown = events.slice(-mostEvents).toReversed();
  const body = html`<p>${badge(stateBadge(last, own))} ${sentence(own?.why ?? last.data.why)}</p>${facts(factsOf(first, last, own, context))}${figureOf(rolloutTimeline(events, { timeZone: context.timeZone }), `${id}-timeline`)}${verdicts.length > 0 && guardrailTable(verdicts)}<h3>What happened</h3>${
    events.length > shown.length && html`<p>Showing the last ${shown.length} of ${events.length} events.</p>`
  }${tableOf({
    caption: 'Events of the rollout, newest first',
    columns: ['when', 'what', 'requests', 'by', 'why'],
    rows: shown.map(({ type, by, reason, data }) => [{ shown: context.timeElement(data.decidedAt), sort: data.decidedAt }, eventWords[type], { shown: `${formatNumber(100 * data.weight)} %`, sort: data.weight }, by ?? 'by itself', prose(reason === undefined || reason === data.why ? data.why : `${reason}: ${data.why}`)]),
    rowHeads: false,
  })}`;
  return { id, title: `Rollout of ${first.subject.id}@${first.data.candidate}`, body };
}

function stateBadge({ data: { outcome, phase } }: RolloutEvent, status: RolloutStatus | undefined): Badge {
  if (outcome === 'promoted') return { text: 'promoted', tone: 'good' };
  if (outcome !== undefined) return { text: outcome === 'rolled-back' ? 'rolled back' : 'aborted', tone: 'bad' };
  if (status?.paused !== undefined) return { text: 'paused', tone: 'warn' };
  return { text: phase === 'step' ? 'goes on' : phase, tone: 'plain' };
}

function factsOf(first: RolloutEvent, last: RolloutEvent, status: RolloutStatus | undefined, { timeElement }: ReportContext): Fact[] {
  const { candidate, stable, decidedAt } = first.data;
  const list: Fact[] = [
    ['versions', `@${candidate} in place of @${stable}`],
    ['started', html`${timeElement(decidedAt)}${first.by !== undefined && html` by <bdi>${first.by}</bdi>`}`],
    [last.data.outcome === undefined ? 'last event' : 'ended', timeElement(last.data.decidedAt)],
  ];
  if (status !== undefined) list.push(['strategy', `${status.strategy}, stage ${Math.max(1, status.stage + 1)} of ${status.stages}`], ['requests', `${formatNumber(status.weight)} % to the candidate`]);
  if (status?.nextAt !== undefined) list.push(['next at', timeElement(status.nextAt)]);
  return list;
}

const verdictBadges: Readonly<Record<GuardrailStatus, Badge>> = {
  success: { text: 'holds', tone: 'good' },
  failed: { text: 'failed', tone: 'bad' },
  inconclusive: { text: 'inconclusive', tone: 'plain' },
  error: { text: 'could not be looked at', tone: 'warn' },
};

function guardrailTable(verdicts: readonly GuardrailVerdict[]): Html {
  return html`<h3>Guardrails</h3>${tableOf({
    caption: 'What each guardrail said last',
    columns: ['guardrail', 'verdict', 'candidate', 'control', 'limit', 'values', 'why'],
    rows: verdicts.map(({ guardrail, status, candidate, control, limit, samples, reason, evidence }) => [
      guardrail,
      badge(verdictBadges[status]),
      candidate ?? null,
      control ?? null,
      limit ?? null,
      samples === undefined ? '' : `${formatNumber(samples.candidate)} and ${formatNumber(samples.control)}`,
      evidence === undefined ? prose(reason) : prose(html`${reason}<details><summary>Evidence</summary><code>${JSON.stringify(evidence).slice(0, 2000)}</code></details>`),
    ]),
  })}`;
}

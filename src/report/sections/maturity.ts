import type { DeclaredMaturity, MaturityCheck, MaturityReport, MaturityStatus, ModelMaturity } from '../../maturity/maturity-report.ts';
import { lineChart } from '../charts/line.ts';
import { html, type Html } from '../markup/html.ts';
import type { ReportContext } from '../page/context.ts';
import { figureOf } from '../page/figure.ts';
import type { Section } from '../page/section.ts';
import { nameOf, tableOf, type Cell } from '../page/table.ts';
import { formatCount, formatDuration, formatNumber, formatPercent } from '../svg/format.ts';
import { badge, facts, prose, type Badge } from './badge.ts';

const mostModels = 50;
const mostDamages = 20;
const levelNames = ['kept by hand', 'tracked and reproducible', 'trained and validated automatically', 'delivered automatically, in a closed loop'] as const;
const badges: Readonly<Record<MaturityStatus, Badge>> = { 'fail': { text: 'fails', tone: 'bad' }, 'unknown': { text: 'unknown', tone: 'warn' }, 'pass': { text: 'passes', tone: 'good' }, 'n/a': { text: 'not applicable', tone: 'plain' } };
const order: readonly MaturityStatus[] = ['fail', 'unknown', 'pass', 'n/a'];

/** How mature models are kept: the level and what keeps it down, what to do next, each check of each model with what fails first, and, apart from what was measured, what was declared. */
export function maturitySection(report: MaturityReport, context: ReportContext, id: string): Section {
  const { level, project, models, attestations, damaged, window, policyVersion, assessedAt } = report;
  const shown = [...models].sort((a, b) => a.level - b.level).slice(0, mostModels);
  const body = html`<p>${badge({ text: `Level ${level} of 3: ${levelNames[level]}`, tone: level === 0 ? 'bad' : level === 3 ? 'good' : 'plain' })} ${project.reason}</p>${
    project.nextFix && html`<p><strong>To do next</strong>, for level ${project.nextFix.level} (${project.nextFix.check} of ${nameOf(project.nextFix.model)}): ${project.nextFix.fix}</p>`
  }${facts([
    ['Google', project.google],
    ['Microsoft', project.microsoft],
    ['models in production', project.levels.map((count, at) => `${count} at level ${at}`).join(', ')],
    ['looked at', html`${context.timeElement(assessedAt)}, back to ${context.timeElement(window.from)}`],
    ['policy', html`<bdi>${policyVersion}</bdi>`],
  ])}${trendOf(report, context, id)}${damaged.length > 0 && html`<p>${badge({ text: 'damaged records', tone: 'bad' })} What needs them is unknown.</p><ul>${damaged.slice(0, mostDamages).map(({ what, message }) => html`<li>${what}: ${message}</li>`)}</ul>${damaged.length > mostDamages && html`<p>And ${damaged.length - mostDamages} more.</p>`}`}${
    models.length > shown.length && html`<p>Showing ${formatNumber(shown.length)} of ${formatNumber(models.length)} models, those of the lowest levels.</p>`
  }${shown.map(modelOf)}${attestations.length > 0 && declared(attestations, context)}`;
  return { id, title: 'Maturity', body };
}

function trendOf({ trend, level, assessedAt }: MaturityReport, { timeZone }: ReportContext, id: string): Html | false {
  if (trend.length === 0) return false;
  const points = [...[...trend].reverse(), { at: assessedAt, level }];
  return figureOf(lineChart([{ name: 'level', x: points.map(({ at }) => at), y: points.map((point) => point.level) }], { title: 'Level over time', x: 'time', xLabel: 'report', yLabel: 'level', timeZone, height: 160 }), `${id}-trend`);
}

function modelOf({ model, version, level, checks, nextFix }: ModelMaturity): Html {
  const rows = [...checks].sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status)).map(rowOf);
  return html`<h3>${nameOf(`${model}@${version}`)}</h3><p>${badge({ text: `Level ${level}: ${levelNames[level]}`, tone: 'plain' })}${nextFix && html` To do next, for level ${nextFix.level} (${nextFix.check}): ${nextFix.fix}`}</p>${tableOf({
    caption: `Checks of ${model}, those that fail first`,
    columns: ['check', 'level', 'what is demanded', 'stands', 'measured', 'at least or at most', 'why', 'records', 'what to do'],
    rows,
  })}`;
}

function rowOf({ id, level, title, required, status, value, threshold, unit, reason, evidenceTotal, fix }: MaturityCheck): readonly Cell[] {
  const measured = (amount: number | undefined): Cell => (amount === undefined ? null : { shown: unit === 'share' ? formatPercent(amount) : unit === 'milliseconds' ? formatDuration(amount) : formatNumber(amount), sort: amount });
  return [id, level, prose(required ? title : `${title} (not required)`), badge(badges[status]), measured(value), measured(threshold), prose(reason), evidenceTotal, fix === undefined ? null : prose(fix)];
}

function declared(attestations: readonly DeclaredMaturity[], context: ReportContext): Html {
  return html`<h3>Declared, not measured</h3><p>${formatCount(attestations.length, 'statement')} of people; no level rests on them.</p>${tableOf({
    caption: 'What was declared',
    columns: ['statement', 'by', 'about', 'until', 'stands'],
    rows: attestations.map(({ statement, author, model, expiresAt, status }) => [statement, author, model ?? 'all models', { shown: context.timeElement(expiresAt), sort: expiresAt }, badge(status === 'valid' ? { text: 'valid', tone: 'good' } : { text: 'expired', tone: 'warn' })]),
  })}`;
}

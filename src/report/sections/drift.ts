import type { DriftVerdict } from '../../monitoring/monitor-state.ts';
import type { ColumnProfile } from '../../stats/profiles/column-profile.ts';
import type { ColumnDrift, DataDrift, DriftStatus } from '../../stats/profiles/data-drift.ts';
import type { DataProfile } from '../../stats/profiles/data-profile.ts';
import type { DrawnChart } from '../charts/chart.ts';
import { drawnPair, sideSigns } from '../charts/distribution-chart.ts';
import { signLegend } from '../charts/sign-legend.ts';
import { besideValues, pairOfMoved, pairOfProfiles } from '../layouts/distribution-pair.ts';
import { html, type Html } from '../markup/html.ts';
import type { ReportContext } from '../page/context.ts';
import type { Section } from '../page/section.ts';
import { nameOf, tableOf } from '../page/table.ts';
import { formatCount, formatNumber, formatPercent } from '../svg/format.ts';
import { sentence } from '../svg/sentence.ts';
import { badge, facts, type Fact } from './badge.ts';

/** A comparison of data with a reference, and what its pictures are drawn from. */
export interface DriftReportPart {
  /** What `compareData` gave, or a verdict of a `DriftMonitor`. */
  readonly report: DataDrift | DriftVerdict;
  /** The profile of the reference. With that of what is compared, whole distributions are drawn; without, the bins that moved most. @default none */
  readonly reference?: DataProfile | undefined;
  /** The profile of what is compared, counted in the bins of the reference: `profileData(rows, { bins: reference })`. @default none */
  readonly current?: DataProfile | undefined;
  /** Heading of the part. @default what was compared */
  readonly title?: string | undefined;
}

const mostColumns = 60;

/** The drift of a data set: its verdict, and a row per column with both distributions, how they were compared, the effect with its interval and the verdict in words; what matters most comes first. */
export function driftSection(part: DataDrift | DriftReportPart, context: ReportContext, id: string): Section {
  const { report, reference, current, title } = 'report' in part ? part : { report: part, reference: undefined, current: undefined, title: undefined };
  const ordered = [...report.columns].sort((a, b) => weightOf(b) - weightOf(a));
  const shown = ordered.slice(0, mostColumns);
  const before = new Map(reference?.columns.map((column) => [column.name, column]));
  const now = new Map(current?.columns.map((column) => [column.name, column]));
  const rows = shown.map((column, i) => columnRows(column, { before: before.get(column.name), now: now.get(column.name) }, `${id}-column-${i + 1}`));
  const body = html`<p>${badge(statusBadges[report.status])} ${sentence(report.summary)}</p>${facts(factsOf(report, context))}${
    shown.length > 0 &&
    html`${legend()}<div class="scroll" tabindex="0" role="group" aria-label="Columns, the most changed first"><table class="drift"><caption class="hidden">Columns, the most changed first</caption><thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>${rows}</table></div>`
  }${ordered.length > shown.length && html`<p>${leftOut(ordered)}</p>`}`;
  return { id, title: title ?? ('monitor' in report ? `Drift seen by ${report.monitor}` : 'Drift'), body };
}

const heads = ['column', 'verdict', 'distributions', 'compared by', 'effect: PSI (95 % interval)', 'p, adjusted'];

const statusBadges: Readonly<Record<DriftStatus, { readonly text: string; readonly tone: 'good' | 'bad' | 'warn' }>> = {
  drifted: { text: 'drifted', tone: 'bad' },
  stable: { text: 'stable', tone: 'good' },
  insufficient: { text: 'could not be judged', tone: 'warn' },
};

/** What drifted comes first, by how far it surely moved; then what could not be judged; then the others. */
function weightOf({ status, effect, role }: ColumnDrift): number {
  const size = Math.atan(Math.max(0, effect?.low ?? 0)) + (role === 'prediction' ? 1e-3 : 0);
  return (status === 'drifted' ? 20 : status === 'insufficient' ? 10 : 0) + size;
}

function factsOf(report: DataDrift | DriftVerdict, { timeElement }: ReportContext): Fact[] {
  const list: Fact[] = [
    ['rows', `${formatNumber(report.currentRows)} against ${formatNumber(report.referenceRows)} of the reference`],
    ['called drift when', `the adjusted p is at most ${formatNumber(report.alpha, 2)} and PSI is surely above ${formatNumber(report.minEffect)}, with at least ${formatCount(report.minRows, 'row')} on each side`],
  ];
  if (!('window' in report)) return list;
  const { number, complete, from, to, versions } = report.window;
  list.push(['window', `${number}${complete ? '' : ', still open'}`]);
  if (from !== undefined && to !== undefined) list.push(['rows from', html`${timeElement(from)} to ${timeElement(to)}`]);
  const told = Object.entries(versions).slice(0, 10);
  if (told.length > 0) list.push(['versions', told.map(([version, rows]) => `@${version} (${formatCount(rows, 'row')})`).join(', ')]);
  return list;
}

function legend(): Html {
  const { height, draw } = signLegend(sideSigns, 300);
  return html`<p><svg class="chart" viewBox="0 0 300 ${height}" width="300" height="${height}" role="img" aria-label="The filled area is the reference, the dashed outline the current data.">${draw(0)}</svg></p>`;
}

interface Sides {
  readonly before: ColumnProfile | undefined;
  readonly now: ColumnProfile | undefined;
}

/** The row of a column, and below it what opens. */
function columnRows(column: ColumnDrift, { before, now }: Sides, id: string): Html {
  const { name, status, kind, role, effect, adjustedPValue, score } = column;
  const pair = (before && now && pairOfProfiles(before, now)) ?? pairOfMoved(column);
  const chart = pair && drawnPair(name, pair);
  const picture = chart !== undefined ? html`<span class="hidden" id="${id}-seen">${chart.summary}</span>${chart.inPage(`${id}-seen`)}` : html`<span class="muted">none</span>`;
  const sort = role === 'prediction' ? `prediction, ${kind}` : kind;
  const compared = score === undefined ? methodsOf(column) : `${score.system}: ${score.method}`;
  const size = score !== undefined && score.score !== null ? `${score.system} ${formatNumber(score.score)}` : undefined;
  return html`<tbody id="${id}"><tr><th scope="row">${nameOf(name)}<br><span class="muted">${sort}</span></th><td>${badge(statusBadges[status])}</td><td class="picture">${picture}</td><td>${compared}</td><td>${size !== undefined && html`${size}<br>`}${effect && html`${formatNumber(effect.value, 3)}<br><span class="muted">${formatNumber(effect.low, 3)} to ${formatNumber(effect.high, 3)}</span>`}</td><td>${adjustedPValue !== undefined && probability(adjustedPValue)}</td></tr><tr class="more"><td colspan="${heads.length}"><details><summary>More of <bdi>${name.length > 60 ? `${name.slice(0, 60)}…` : name}</bdi></summary>${detailsOf(column, chart)}</details></td></tr></tbody>`;
}

function methodsOf({ tests, effect }: ColumnDrift): string {
  const used = [...new Set(tests.map(({ of, method }) => (of === 'values' ? method : `${method} of ${of}`)))];
  return [...used, effect && `PSI over ${effect.binRule.replace('-', ' ')}`].filter((part) => part !== undefined).join(', ') || 'nothing';
}

function detailsOf({ name, reason, tests, moved, unseen, reference, current }: ColumnDrift, chart: DrawnChart | undefined): Html {
  const beside = [
    ['reference', reference],
    ['current', current],
  ] as const;
  const missing = beside.flatMap(([side, counts]) => (counts === undefined ? [`the ${side} has no such column`] : besideValues(counts).map((text) => `${side}: ${text}`)));
  return html`<p>${sentence(reason)}</p>${missing.length > 0 && html`<p>Without a value that is drawn: ${missing.join('; ')}.</p>`}${
    unseen && html`<p>${formatCount(unseen.rows, 'row')} in ${formatCount(unseen.categories, 'category', 'categories')} that the reference does not have, such as ${unseen.examples.map((example, i) => html`${i > 0 && ', '}<bdi>${example.slice(0, 80)}</bdi>`)}.</p>`
  }${
    tests.length > 0 &&
    tableOf({ framed: false, caption: `Tests of ${name}`, columns: ['of', 'test', 'statistic', 'p', 'rows of the reference', 'current rows'], rows: tests.map(({ of, method, statistic, pValue, referenceRows, currentRows }) => [of, method, statistic, { shown: probability(pValue), sort: pValue }, referenceRows, currentRows]) })
  }${moved.length > 0 && tableOf({ framed: false, caption: `Bins of ${name} that moved most`, columns: ['bin that moved', 'reference', 'current', 'adds to PSI'], rows: moved.map(({ bin, reference: was, current: is, contribution }) => [bin, { shown: formatPercent(was), sort: was }, { shown: formatPercent(is), sort: is }, contribution]) })}${
    chart && html`${chart.table.leftOut !== undefined && html`<p>The picture shows ${chart.table.leftOut}.</p>`}${tableOf({ framed: false, caption: chart.title, columns: chart.table.columns, rows: chart.table.rows })}`
  }`;
}

function probability(p: number): string {
  return p < 1e-16 ? 'under 1e-16' : formatNumber(p, 2);
}

/** What the columns came to that have no row. */
function leftOut(ordered: readonly ColumnDrift[]): string {
  const rest = ordered.slice(mostColumns);
  const counts = (['drifted', 'insufficient', 'stable'] as const).map((status) => [status, rest.filter((column) => column.status === status).length] as const).filter(([, count]) => count > 0);
  return `Showing ${mostColumns} of ${ordered.length} columns. Of the others ${counts.map(([status, count]) => `${count} ${status === 'insufficient' ? 'could not be judged' : status === 'drifted' ? 'drifted' : 'were stable'}`).join(', ')}.`;
}

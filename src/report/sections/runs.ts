import type { RunRecord } from '../../tracking/run-record.ts';
import { html, type Html } from '../markup/html.ts';
import type { ReportContext } from '../page/context.ts';
import type { Section } from '../page/section.ts';
import { nameOf, tableOf, type Cell } from '../page/table.ts';
import { formatCount, formatDuration, formatNumber } from '../svg/format.ts';

/** Runs, and which of their columns are shown. */
export interface RunsPart {
  /** In the order in which they are shown. */
  readonly runs: readonly RunRecord[];
  /** How many there are in all, where these are some of them. @default as many as these */
  readonly total?: number | undefined;
  /** Names of params. @default those that differ between the runs, the first 8 */
  readonly params?: readonly string[] | undefined;
  /** Names of metrics. @default all but those of the host (`system/`), the first 8 */
  readonly metrics?: readonly string[] | undefined;
  /** Names of tags. @default none */
  readonly tags?: readonly string[] | undefined;
  /** At most so many runs. @default 500 */
  readonly maxRuns?: number | undefined;
  /** Where a run's name leads to. @default nowhere */
  readonly linkOf?: ((run: RunRecord) => string) | undefined;
}

const mostColumns = 8;
const mostRuns = 500;

/** A table of runs with their latest metrics, that sorts and filters. */
export function runsSection(part: RunsPart, context: ReportContext): Section {
  const { runs, maxRuns = mostRuns, linkOf } = part;
  const shown = runs.slice(0, maxRuns);
  if (shown.length === 0) return { id: 'runs', title: 'Runs', body: html`<p>There are no runs.</p>` };
  const params = chosen(part.params, () => differingParams(shown));
  const metrics = chosen(part.metrics, () => metricNames(shown));
  const tags = part.tags ?? [];
  const rows = shown.map((run): Cell[] => [
    nameCell(run, linkOf),
    statusCell(run.status),
    context.time(run.startedAt),
    durationCell(run),
    ...metrics.names.map((name) => (Object.hasOwn(run.metrics, name) ? run.metrics[name]!.value : null)),
    ...params.names.map((name) => (Object.hasOwn(run.params, name) ? paramCell(run.params[name]) : null)),
    ...tags.map((name) => (Object.hasOwn(run.tags, name) ? run.tags[name] : null)),
  ]);
  const total = part.total ?? runs.length;
  const columns = ['run', 'status', `started (${context.timeZone})`, 'duration', ...metrics.names, ...params.names, ...tags];
  return {
    id: 'runs',
    title: 'Runs',
    body: html`<p>${leadOf(shown, total)}${leftOut(params.left, 'param')}${leftOut(metrics.left, 'metric')}</p>${tableOf({ caption: 'Runs', columns, rows, interactive: true })}`,
  };
}

/** A status in words, in the colour that goes with it. */
function statusCell(status: RunRecord['status']): Cell {
  const look = status === 'finished' ? 'good' : status === 'running' ? 'muted' : 'bad';
  return html`<span class="badge ${look}">${status}</span>`;
}

/** A value of a param as it is read: numbers stay numbers. */
export function paramCell(value: unknown): Cell {
  return typeof value === 'number' || value === undefined ? value : paramText(value);
}

/** A value of a param as text. */
function paramText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' || (typeof each === 'number' && each - each !== 0) ? String(each) : each)) ?? 'undefined');
}

function leadOf(shown: readonly RunRecord[], total: number): string {
  const experiments = new Set(shown.map(({ experiment }) => experiment)).size;
  const many = shown.length < total ? `Showing ${formatNumber(shown.length)} of ${formatCount(total, 'run')}` : formatCount(total, 'run');
  return experiments > 1 ? `${many} of ${formatNumber(experiments)} experiments.` : `${many} of experiment ${shown[0]!.experiment}.`;
}

function leftOut(count: number, what: string): Html | undefined {
  return count > 0 ? html` ${formatCount(count, `${what} is`, `${what}s are`)} not shown.` : undefined;
}

function nameCell(run: RunRecord, linkOf: RunsPart['linkOf']): Cell {
  const name = nameOf(run.name ?? run.id);
  return linkOf ? html`<a href="${safeLink(linkOf(run))}">${name}</a>` : name;
}

function safeLink(url: string): string {
  // A URL of a scheme that runs code is no link; browsers take white space and controls out of a scheme.
  return /^(javascript|data|vbscript):/i.test(url.replace(/[^!-~]/g, '')) ? '#' : url;
}

function durationCell({ startedAt, endedAt }: RunRecord): Cell {
  return endedAt === undefined ? null : { shown: formatDuration(endedAt - startedAt), sort: endedAt - startedAt };
}

interface Chosen {
  readonly names: readonly string[];
  /** How many there are besides. */
  readonly left: number;
}

function chosen(asked: readonly string[] | undefined, all: () => readonly string[]): Chosen {
  if (asked !== undefined) return { names: asked, left: 0 };
  const names = all();
  return { names: names.slice(0, mostColumns), left: Math.max(0, names.length - mostColumns) };
}

function metricNames(runs: readonly RunRecord[]): string[] {
  return [...new Set(runs.flatMap(({ metrics }) => Object.keys(metrics)))].filter((name) => !name.startsWith('system/')).sort();
}

function differingParams(runs: readonly RunRecord[]): string[] {
  const names = [...new Set(runs.flatMap(({ params }) => Object.keys(params)))];
  if (runs.length === 1) return names;
  return names.filter((name) => new Set(runs.map(({ params }) => (Object.hasOwn(params, name) ? paramText(params[name]) : undefined))).size > 1);
}

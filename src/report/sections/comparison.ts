import type { ComparedItem } from '../../core/compared-item.ts';
import type { ComparedMetric, RunComparison } from '../../tracking/comparison/compare-runs.ts';
import type { MetricPoint } from '../../tracking/latest-metric.ts';
import { html, type Html } from '../markup/html.ts';
import type { Section } from '../page/section.ts';
import { nameOf, tableOf, type Cell } from '../page/table.ts';
import { formatCount, formatNumber } from '../svg/format.ts';
import { paramCell } from './runs.ts';

/** So many runs stand side by side; more have no room. */
const mostRuns = 12;

const verdictNames = { same: 'same', different: 'differs', missing: 'not in all' } as const;

/** Runs side by side: what differs first, what is the same behind a click. */
export function comparisonSection(comparison: RunComparison): Section {
  const shown = comparison.runs.slice(0, mostRuns);
  const groups = groupsOf(comparison);
  const left = comparison.runs.length - shown.length;
  const differing = groups.reduce((sum, { items }) => sum + items.filter(({ verdict }) => verdict !== 'same').length, 0);
  const all = groups.reduce((sum, { items }) => sum + items.length, 0);
  return {
    id: 'comparison',
    title: 'Comparison of runs',
    body: html`<p>${formatCount(comparison.runs.length, 'run')}; ${formatCount(differing, 'fact')} of ${formatNumber(all)} ${differing === 1 ? 'differs' : 'differ'}.${
      left > 0 && html` Showing the first ${shown.length}; ${formatCount(left, 'run is', 'runs are')} left out of the columns, not of the verdicts.`
    }</p>${groups.map((group) => groupOf(group, shown))}`,
  };
}

interface Group {
  readonly name: string;
  readonly items: readonly Shown[];
}

/** A compared fact as it is shown. */
interface Shown {
  readonly name: string;
  readonly verdict: ComparedItem<unknown>['verdict'];
  readonly note?: string | undefined;
  readonly cells: readonly Cell[];
}

function groupsOf(comparison: RunComparison): Group[] {
  const facts = (items: readonly ComparedItem<unknown>[]): Shown[] => items.map(({ name, verdict, values }) => ({ name, verdict, cells: values.map(paramCell) }));
  const digests = <T>(items: readonly ComparedItem<T>[], textOf: (value: T) => string): Shown[] => items.map(({ name, verdict, values }) => ({ name, verdict, cells: values.map((value) => (value === undefined ? null : textOf(value))) }));
  const groups: Group[] = [
    { name: 'Metrics', items: comparison.metrics.map(metricOf) },
    { name: 'Params', items: facts(comparison.params) },
    { name: 'Datasets', items: digests(comparison.datasets, (sets) => sets.map(({ name, fingerprint }) => `${name} ${short(fingerprint)}`).join(', ')) },
    { name: 'Attributes', items: facts(comparison.attributes) },
    { name: 'Tags', items: facts(comparison.tags) },
    { name: 'Code', items: facts(comparison.code) },
    { name: 'Environment', items: facts(comparison.environment) },
    { name: 'Packages', items: facts(comparison.packages) },
    { name: 'Models', items: digests(comparison.models, (models) => models.map(({ digest }) => short(digest)).join(', ')) },
    { name: 'Artifacts', items: digests(comparison.artifacts, ({ digest, size }) => `${short(digest)}, ${formatCount(size, 'byte')}`) },
  ];
  return groups.filter(({ items }) => items.length > 0);
}

/** The beginning of a digest is enough to tell two apart. */
function short(digest: string): string {
  return digest.replace(/^[a-z0-9-]+:/, '').slice(0, 10);
}

function metricOf({ name, verdict, values, direction }: ComparedMetric): Shown {
  const best = direction === undefined ? undefined : bestOf(values, direction);
  const note = direction === undefined ? undefined : direction === 'min' ? 'less is better' : 'more is better';
  const cells = values.map((point): Cell => {
    if (point === undefined) return null;
    return verdict !== 'same' && point.value === best ? { shown: html`<b>${formatNumber(point.value)}</b> <span class="badge good">best</span>`, sort: point.value } : point.value;
  });
  return { name, verdict, note, cells };
}

function bestOf(values: readonly (MetricPoint | undefined)[], direction: 'min' | 'max'): number | undefined {
  const known = values.flatMap((point) => (point === undefined || Number.isNaN(point.value) ? [] : [point.value]));
  if (known.length < 2) return undefined;
  return known.reduce((a, b) => ((direction === 'min' ? b < a : b > a) ? b : a));
}

function groupOf({ name, items }: Group, runs: RunComparison['runs']): Html {
  const differing = items.filter(({ verdict }) => verdict !== 'same');
  const same = items.filter(({ verdict }) => verdict === 'same');
  const rest = same.length > 0 && html`<details><summary>${formatNumber(same.length)} the same in all</summary>${sameTable(`${name} that are the same`, same)}</details>`;
  return html`<h3>${name}</h3>${differing.length > 0 && differenceTable(`${name} that differ`, differing, runs)}${rest}`;
}

function differenceTable(caption: string, items: readonly Shown[], runs: RunComparison['runs']): Html {
  return tableOf({
    caption,
    columns: ['name', 'verdict', ...runs.map(({ name, id }) => name ?? id)],
    rows: items.map(({ name, verdict, note, cells }) => [named(name, note), verdictNames[verdict], ...cells.slice(0, runs.length)]),
  });
}

function sameTable(caption: string, items: readonly Shown[]): Html {
  return tableOf({ caption, columns: ['name', 'value'], rows: items.map(({ name, note, cells }) => [named(name, note), cells[0]]) });
}

function named(name: string, note: string | undefined): Cell {
  return note === undefined ? name : { shown: html`${nameOf(name)}<br><span class="muted">${note}</span>`, sort: name };
}

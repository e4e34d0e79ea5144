import type { GateDefinition } from '../../registry/gate-definition.ts';
import type { GateReport } from '../../registry/gate-report.ts';
import type { ModelInfo } from '../../registry/model-info.ts';
import type { ModelVersion } from '../../registry/model-version.ts';
import type { RegistryEvent } from '../../registry/registry-event.ts';
import type { LineageGraph } from '../../storage/lineage-graph.ts';
import { lineageChart } from '../charts/lineage-graph-chart.ts';
import { html, type Html } from '../markup/html.ts';
import type { ReportContext } from '../page/context.ts';
import { figureOf } from '../page/figure.ts';
import type { Section } from '../page/section.ts';
import { tableOf } from '../page/table.ts';
import { formatCount } from '../svg/format.ts';
import { badge, facts, prose, type Badge, type Fact } from './badge.ts';
import { gatesOf, metricsText, registryEventWords } from './registry-words.ts';

/** A model of a registry. */
export interface ModelPart {
  /** What `registry.getModel` gives. */
  readonly model: ModelInfo;
  /** Its versions, in any order. */
  readonly versions: readonly ModelVersion[];
  /** What happened to it, as `registry.history` gives it. @default not told */
  readonly history?: readonly RegistryEvent[] | undefined;
  /** Where a version came from, as `registry.lineage` gives it. @default not shown */
  readonly lineage?: LineageGraph | undefined;
}

const mostVersions = 100;
const mostEvents = 200;

/** A model: which versions stand where, the gates before its stages, its versions with their metrics, what happened to it, by whom, why and on what evidence, and where a version came from. */
export function modelSection({ model, versions, history, lineage }: ModelPart, context: ReportContext, id: string): Section {
  const body = html`${model.description !== undefined && html`<p>${model.description}</p>`}${facts(factsOf(model, versions, context))}${gateTable(model)}${versionTable(versions, context)}${history !== undefined && historyTable(history, context)}${
    lineage !== undefined && html`<h3>Lineage</h3>${figureOf(lineageChart(lineage), `${id}-lineage`)}`
  }`;
  return { id, title: `Model ${model.name}`, body };
}

function factsOf({ production, staging, rollbackTo, owner, aliases, tags, createdAt }: ModelInfo, versions: readonly ModelVersion[], { timeElement }: ReportContext): Fact[] {
  const at = (version: number | undefined): string => (version === undefined ? 'none' : `@${version}`);
  const list: Fact[] = [
    ['in production', at(production)],
    ['in staging', at(staging)],
    ['rollback would bring back', at(rollbackTo)],
    ['versions', String(versions.length)],
    ['created', timeElement(createdAt)],
  ];
  if (owner !== undefined) list.push(['owner', html`<bdi>${owner}</bdi>`]);
  const names = Object.entries(aliases);
  if (names.length > 0) list.push(['aliases', html`${names.slice(0, 50).map(([alias, version], i) => html`${i > 0 && ', '}<bdi>${alias}</bdi> → @${version}`)}${names.length > 50 && ` and ${names.length - 50} more`}`]);
  const told = Object.entries(tags);
  if (told.length > 0) list.push(['tags', html`${told.slice(0, 30).map(([name, value], i) => html`${i > 0 && ', '}<bdi>${name}: ${value}</bdi>`)}`]);
  return list;
}

function gateTable({ policy }: ModelInfo): Html | undefined {
  const gates = (['staging', 'production'] as const).flatMap((stage) => (policy[stage] ?? []).map((gate) => [stage, gate.gate, gateWords(gate)] as const));
  if (gates.length === 0) return html`<p>No gates stand before its stages.</p>`;
  return html`<h3>Gates</h3>${tableOf({ caption: 'Gates before stages', columns: ['before', 'gate', 'asks for'], rows: gates })}`;
}

/** What a gate asks for, from what it is defined by. */
function gateWords(gate: GateDefinition): string {
  return Object.entries(gate)
    .filter(([name, value]) => name !== 'gate' && value !== undefined)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
    .slice(0, 500);
}

/** The newest versions, and whichever stands somewhere or has an alias. */
function versionTable(versions: readonly ModelVersion[], { timeElement }: ReportContext): Html {
  if (versions.length === 0) return html`<p>No version is registered.</p>`;
  const newest = [...versions].sort((a, b) => b.version - a.version);
  const special = ({ stage, aliases }: ModelVersion): boolean => stage === 'production' || stage === 'staging' || aliases.length > 0;
  const chosen = new Set([...newest.filter(special), ...newest].slice(0, mostVersions));
  const shown = newest.filter((version) => chosen.has(version));
  return html`<h3>Versions</h3>${shown.length < versions.length && html`<p>Showing ${shown.length} of ${versions.length} versions: the newest, and those with a stage or an alias.</p>`}${tableOf({
    caption: 'Versions, newest first',
    columns: ['version', 'stage', 'aliases', 'registered', 'by', 'metrics', 'run', 'flavor'],
    rows: shown.map(({ version, stage, aliases, retired, createdAt, createdBy, metrics, run, flavor }) => [
      { shown: html`@${version}`, sort: version },
      html`${badge(stageBadge(stage))}${retired && html` ${badge({ text: 'retired', tone: 'warn' })}`}`,
      aliases.join(', '),
      { shown: timeElement(createdAt), sort: createdAt },
      createdBy,
      prose(metricsText(metrics)),
      run,
      flavor,
    ]),
    interactive: shown.length > 10,
  })}`;
}

function stageBadge(stage: ModelVersion['stage']): Badge {
  return { text: stage === 'none' ? 'no stage' : stage, tone: stage === 'production' ? 'good' : stage === 'staging' ? 'warn' : 'plain' };
}

function historyTable(history: readonly RegistryEvent[], { timeElement }: ReportContext): Html {
  const shown = history.slice(-mostEvents).toReversed();
  return html`<h3>History</h3>${history.length > shown.length && html`<p>Showing the last ${shown.length} of ${history.length} events.</p>`}${tableOf({
    caption: 'What happened, newest first',
    columns: ['when', 'what', 'by', 'why', 'evidence'],
    rows: shown.map((event) => [{ shown: timeElement(event.at), sort: event.at }, prose(registryEventWords(event)), event.by ?? 'not told', prose(event.reason ?? 'not told'), evidence(gatesOf(event))]),
    rowHeads: false,
    interactive: shown.length > 10,
  })}`;
}

/** What the gates found, to open. */
function evidence(report: GateReport | undefined): Html | undefined {
  if (report === undefined || report.gates.length === 0) return undefined;
  const failed = report.gates.filter(({ passed }) => !passed).length;
  return html`<details><summary>${formatCount(report.gates.length, 'gate')}, ${failed === 0 ? 'all passed' : `${failed} failed`}</summary><ul>${report.gates.map(({ name, passed, reason }) => html`<li>${badge(passed ? { text: 'passed', tone: 'good' } : { text: 'failed', tone: 'bad' })} <bdi>${name}</bdi>: ${reason}</li>`)}</ul></details>`;
}

import type { RegistryEvent } from '../../registry/registry-event.ts';
import type { GateReport } from '../../registry/gate-report.ts';
import { formatNumber } from '../svg/format.ts';

/** What happened to a model, in words. */
export function registryEventWords(event: RegistryEvent): string {
  switch (event.type) {
    case 'model-created':
      return 'model created';
    case 'model-updated':
      return `model changed: ${changed(event.data.from, event.data.to)}`;
    case 'model-deleted':
      return `model deleted, with ${event.data.versions} versions`;
    case 'alias-set':
      return `alias ${event.data.alias} ${event.data.from === undefined ? '' : `moved from @${event.data.from} `}to @${event.data.to}`;
    case 'alias-deleted':
      return `alias ${event.data.alias} taken from @${event.data.from}`;
    case 'version-registered':
      return `@${event.data.version} registered${event.data.run === undefined ? '' : `, from run ${event.data.run}`}`;
    case 'version-updated':
      return `@${event.data.version} changed: ${changed(event.data.from, event.data.to)}`;
    case 'version-retired':
      return `@${event.data.version} retired`;
    case 'version-reinstated':
      return `@${event.data.version} reinstated`;
    case 'version-deleted':
      return `@${event.data.version} deleted`;
    case 'version-approved':
      return `@${event.data.version} approved`;
    case 'approval-withdrawn':
      return `approval of @${event.data.version} withdrawn`;
    case 'version-signed':
      return `@${event.data.version} signed`;
    case 'evaluation-recorded':
      return `@${event.data.version} evaluated on ${event.data.dataset.name ?? event.data.dataset.digest.slice(0, 19)}: ${metricsText(event.data.metrics)}`;
    case 'policy-changed':
      return 'gates changed';
    case 'stage-changed':
      return `@${event.data.version} moved from ${event.data.from} to ${event.data.to}${replacing(event.data.replaced)}${event.data.forced ? ', over failed gates' : ''}`;
    case 'promotion-refused':
      return `@${event.data.version} refused for ${event.data.to}: ${event.data.gates.gates.filter(({ passed }) => !passed).map(({ name }) => name).join(', ')}`;
    case 'rolled-back':
      return `rolled back to @${event.data.version}${replacing(event.data.replaced)}`;
  }
}

/** The gates that an event tells of; none of most. */
export function gatesOf(event: RegistryEvent): GateReport | undefined {
  return event.type === 'stage-changed' || event.type === 'promotion-refused' ? event.data.gates : undefined;
}

/** Metrics in a line; of many the first, and how many there are. */
export function metricsText(metrics: Readonly<Record<string, number>>): string {
  const all = Object.entries(metrics);
  const told = all.slice(0, 6).map(([name, value]) => `${name.length > 60 ? `${name.slice(0, 60)}…` : name} ${formatNumber(value)}`);
  return `${told.join(', ')}${all.length > told.length ? ` and ${all.length - told.length} more` : ''}`;
}

function replacing(version: number | undefined): string {
  return version === undefined ? '' : `, in place of @${version}`;
}

function changed(from: object, to: object): string {
  const [before, after] = [from as Readonly<Record<string, unknown>>, to as Readonly<Record<string, unknown>>];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return names.join(', ') || 'nothing';
}

import { isModelkeepError, ValidationError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { ReportParts } from './render-report.ts';

interface Shape {
  /** What gives such a part. */
  readonly from: string;
  /** Fields that are lists. */
  readonly lists: readonly string[];
  /** Fields that are objects. */
  readonly objects?: readonly string[];
  /** Whether the part may be a list of such. */
  readonly several?: boolean;
  /** The field that the result itself may stand in, beside others. */
  readonly within?: string;
}

const shapes: Readonly<Record<keyof ReportParts, Shape>> = {
  runs: { from: 'the items of tracker.listRuns() as `runs`', lists: ['runs'] },
  comparison: { from: 'what tracker.compareRuns() gives', lists: ['runs', 'metrics', 'params', 'datasets', 'attributes', 'tags', 'code', 'environment', 'packages', 'models', 'artifacts'] },
  curves: { from: 'a list of metrics with what tracker.metricHistory() gives', lists: ['metrics'] },
  charts: { from: 'a list of charts', lists: [], several: true },
  drift: { from: 'what compareData() gives, or a verdict of a DriftMonitor', lists: ['columns'], several: true, within: 'report' },
  performance: { from: 'the items of monitor.performances() as `periods`', lists: ['periods'], several: true },
  abTest: { from: 'what test.analyze() gives', lists: ['variants', 'segments'], objects: ['decision', 'sampleRatio'], several: true, within: 'analysis' },
  rollout: { from: 'what deployment.rolloutHistory() gives as `events`', lists: ['events'], several: true },
  pipeline: { from: 'what pipeline.getRun() or pipeline.run() gives', lists: [], objects: ['steps'], several: true },
  model: { from: 'what registry.getModel(), its versions and registry.history() give', lists: ['versions', 'history'], objects: ['model'], several: true },
  lineage: { from: 'what registry.lineage() gives', lists: ['nodes', 'edges'], several: true },
  maturity: { from: 'what assessMaturity() gives', lists: ['models', 'attestations', 'damaged', 'trend'], objects: ['project'], several: true },
};

/** Throws `ValidationError`, with the path, for a part that is not what its method gives. */
export function demandPart(name: keyof ReportParts, part: unknown): void {
  const { several = false, within, from } = shapes[name];
  const path = `parts.${name}`;
  if (name === 'charts' && !Array.isArray(part)) throw wrong(path, part, 'a list', from);
  if (!several || !Array.isArray(part)) return demandFields(name, part, path, within);
  for (const [i, each] of part.entries()) demandFields(name, each, `${path}[${i}]`, within);
}

function demandFields(name: keyof ReportParts, part: unknown, path: string, within: string | undefined): void {
  const { lists, objects = [], from } = shapes[name];
  if (!isObject(part)) throw wrong(path, part, 'an object', from);
  if (within !== undefined && within in part) return demandFields(name, part[within], `${path}.${within}`, undefined);
  for (const field of lists) if (!Array.isArray(part[field])) throw wrong(`${path}.${field}`, part[field], 'a list', from);
  for (const field of objects) if (!isObject(part[field])) throw wrong(`${path}.${field}`, part[field], 'an object', from);
}

/** Calls what draws a part. What lies deeper than `demandPart` looks, and is not what it must be, is refused with the path of the part. */
export function refusing<T>(name: keyof ReportParts, draw: () => T): T {
  try {
    return draw();
  } catch (cause) {
    if (isModelkeepError(cause) || !(cause instanceof TypeError)) throw cause;
    throw new ValidationError(`parts.${name} cannot be drawn, since something in it is not what it must be (${cause.message}); give ${shapes[name].from}.`, { path: `parts.${name}`, cause });
  }
}

function wrong(path: string, value: unknown, must: string, from: string): ValidationError {
  return new ValidationError(`${path} is ${shown(value, 80)}, but must be ${must}; give ${from}.`, { path });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

import * as z from 'zod/mini';
import { durationMs, type Duration } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import { parseReference } from './model-name.ts';
import type { ExclusiveStage } from './stages.ts';

/** A gate that looks at a metric. */
export interface MetricGate {
  /** Tells the kinds of gates apart. */
  readonly gate: 'metric';
  /** Name of the metric. */
  readonly metric: string;
  /** Which way is better. */
  readonly goal: 'maximize' | 'minimize';
  /** The least value that passes. */
  readonly min?: number | undefined;
  /** The greatest value that passes. */
  readonly max?: number | undefined;
  /** What to compare with: `production`, `staging` or a reference. */
  readonly notWorseThan?: string | undefined;
  /** How much worse still passes, in units of the metric. */
  readonly tolerance?: number | undefined;
}

/** A gate that reads every file and compares it with its digest. */
export interface IntegrityGate {
  /** Tells the kinds of gates apart. */
  readonly gate: 'integrity';
}

/** A gate that a function of the process decides. */
export interface CustomGate {
  /** Tells the kinds of gates apart. */
  readonly gate: 'custom';
  /** Which of the Registry's gate functions decides. */
  readonly name: string;
  /** Milliseconds after which the gate fails. */
  readonly timeoutMs?: number | undefined;
}

/** A gate as it is stored: plain data. Make one with {@link gates}. */
export type GateDefinition = MetricGate | IntegrityGate | CustomGate;

/** The gates before each stage; a stage that is not named has none. */
export type Policy = { readonly [stage in ExclusiveStage]?: readonly GateDefinition[] | undefined };

/** What a metric gate asks for; at least one of `min`, `max` and `notWorseThan`. */
export interface MetricGateOptions {
  /** Which way is better. */
  readonly goal: 'maximize' | 'minimize';
  /** The newest measured value must be at least this. @default none */
  readonly min?: number | undefined;
  /** The newest measured value must be at most this. @default none */
  readonly max?: number | undefined;
  /**
   * Must not be worse than this version: `'production'`, `'staging'`, or a reference to a version of the same model such as `'fraud@3'`. Compared on the newest
   * dataset that both were measured on; there being none fails the gate. While the stage is empty the comparison passes and says so. @default none
   */
  readonly notWorseThan?: string | undefined;
  /** How much worse it may be, in units of the metric. Only with `notWorseThan`. @default 0 */
  readonly tolerance?: number | undefined;
}

/** How a custom gate is run. */
export interface CustomGateOptions {
  /** The gate fails when its function takes longer. @default no limit */
  readonly timeout?: Duration | undefined;
}

const name = z.string().check(z.minLength(1));
const metricOptions = {
  goal: z.enum(['maximize', 'minimize']),
  min: z.optional(z.number()),
  max: z.optional(z.number()),
  notWorseThan: z.optional(z.string()),
  tolerance: z.optional(z.number().check(z.minimum(0))),
};
const metricOptionsSchema = z.strictObject(metricOptions);
const metricSchema = z.strictObject({ gate: z.literal('metric'), metric: name, ...metricOptions });
const customOptionsSchema = z.strictObject({ timeout: z.optional(z.unknown()) });
const integritySchema = z.strictObject({ gate: z.literal('integrity') });
const customSchema = z.strictObject({ gate: z.literal('custom'), name, timeoutMs: z.optional(z.number().check(z.minimum(0))) });
const policySchema = z.strictObject({ staging: z.optional(z.array(z.unknown())), production: z.optional(z.array(z.unknown())) });

/**
 * Makes the gates of a policy. They are plain data and are stored with the model, so that every process enforces the same ones.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Registry, gates } from 'modelkeep';
 *
 * const registry = new Registry({ storage: new MemoryStorage(), gates: { smoke: async ({ version }) => ({ passed: version.size > 0 }) } });
 * await registry.createModel('fraud');
 * await registry.setPolicy('fraud', {
 *   production: [
 *     gates.metric('auc', { goal: 'maximize', min: 0.75, notWorseThan: 'production', tolerance: 0.005 }),
 *     gates.integrity(),
 *     gates.custom('smoke', { timeout: '1m' }),
 *   ],
 * });
 * await registry.registerVersion('fraud', { files: { 'model.json': '{}' }, metrics: { auc: 0.8 } });
 * const report = await registry.checkGates('fraud@1', 'production');
 * console.log(report.passed, report.gates.map((gate) => gate.reason));
 * ```
 */
export const gates: {
  /** A metric within bounds, or not worse than another version's. Throws `ValidationError` for options that ask for nothing or make no sense. */
  metric(metric: string, options: MetricGateOptions): MetricGate;
  /** Every file is in the store and has the bytes that were registered. */
  integrity(): IntegrityGate;
  /** The function of that name in the Registry's `gates` option decides. Its absence, an error and a timeout fail the gate. */
  custom(name: string, options?: CustomGateOptions): CustomGate;
} = {
  metric(metric, options) {
    // Checked by themselves first, for they must not put another metric or kind of gate in the place of this one.
    check(metricOptionsSchema, options, 'gates.metric');
    return checkGate({ ...options, gate: 'metric', metric }, 'gates.metric') as MetricGate;
  },
  integrity: () => ({ gate: 'integrity' }),
  custom(named, options = {}) {
    const { timeout } = check(customOptionsSchema, options, 'gates.custom') as CustomGateOptions;
    return checkGate({ gate: 'custom', name: named, ...(timeout === undefined ? {} : { timeoutMs: durationMs(timeout, 'gates.custom.timeout') }) }, 'gates.custom') as CustomGate;
  },
};

/** Checks a policy where it enters, also one that was not made by {@link gates}; `model` is whose versions its references may name. */
export function checkPolicy(policy: Policy, model: string): Policy {
  const given = check(policySchema, policy, 'policy');
  const checked: Partial<Record<ExclusiveStage, readonly GateDefinition[]>> = {};
  for (const stage of ['staging', 'production'] as const) {
    const definitions = given[stage]?.map((gate, i) => checkGate(gate, `policy.${stage}[${i}]`));
    definitions?.forEach((gate, i) => checkComparison(gate, model, `policy.${stage}[${i}].notWorseThan`));
    if (definitions && definitions.length > 0) checked[stage] = definitions;
  }
  return checked;
}

/** Which version a metric gate compares with: that in a stage, or one by number. */
export function comparisonOf(notWorseThan: string): ExclusiveStage | number {
  if (notWorseThan === 'production' || notWorseThan === 'staging') return notWorseThan;
  const { selector } = parseReference(notWorseThan, 'notWorseThan');
  if (selector === 'latest') throw new ValidationError(`${shown(notWorseThan)} is a different version every time; compare with a stage or a number.`, { path: 'notWorseThan' });
  if ('alias' in selector) throw new ValidationError(`${shown(notWorseThan)} may point elsewhere tomorrow; compare with a stage or a number.`, { path: 'notWorseThan' });
  return 'version' in selector ? selector.version : selector.stage;
}

/** Whether this modelkeep understands a gate that is stored with `model`, whole. */
export function isKnownGate(gate: GateDefinition, model: string): boolean {
  try {
    checkComparison(checkGate(gate, 'gate'), model, 'gate');
    return true;
  } catch {
    return false;
  }
}

function checkGate(gate: unknown, path: string): GateDefinition {
  const kind = (gate as Partial<GateDefinition> | null | undefined)?.gate;
  if (kind === 'integrity') return check(integritySchema, gate, path);
  if (kind === 'custom') return check(customSchema, gate, path);
  if (kind === 'metric') return checkMetricGate(check(metricSchema, gate, path), path);
  throw new ValidationError(`${path} is ${shown(gate)}, which is no gate; make one with gates.metric(), gates.integrity() or gates.custom().`, { path });
}

function checkMetricGate(gate: MetricGate, path: string): MetricGate {
  const { min, max, notWorseThan, tolerance } = gate;
  const problem =
    min === undefined && max === undefined && notWorseThan === undefined ? 'asks for nothing; give min, max or notWorseThan'
    : min !== undefined && max !== undefined && min > max ? `can never pass: min ${min} is more than max ${max}`
    : tolerance !== undefined && notWorseThan === undefined ? 'has a tolerance and nothing to compare with; give notWorseThan'
    : undefined;
  if (problem !== undefined) throw new ValidationError(`${path} ${problem}.`, { path });
  return gate;
}

function checkComparison(gate: GateDefinition, model: string, path: string): void {
  if (gate.gate !== 'metric' || gate.notWorseThan === undefined) return;
  const { notWorseThan } = gate;
  if (notWorseThan === 'production' || notWorseThan === 'staging') return;
  const { model: other, selector } = parseReference(notWorseThan, path);
  if (other === model && selector !== 'latest' && !('alias' in selector)) return;
  throw new ValidationError(`${path} is ${shown(notWorseThan)}; compare with 'production', 'staging' or a numbered version of ${shown(model)}.`, { path });
}

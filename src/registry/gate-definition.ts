import * as z from 'zod/mini';
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

/** What {@link gates} can compare on stored predictions. */
export type ComparableMetric = 'accuracy' | 'auc' | 'logLoss' | 'brier' | 'mae' | 'rmse';

/** A gate that compares the predictions of two versions on the same rows. */
export interface ComparisonGate {
  /** Tells the kinds of gates apart. */
  readonly gate: 'comparison';
  /** What is compared. */
  readonly metric: ComparableMetric;
  /** What to compare with: `production`, `staging` or a reference. */
  readonly against: string;
  /** What must be shown. */
  readonly demand: 'not-worse' | 'non-inferior' | 'superior';
  /** The difference that does not matter, in units of the metric. */
  readonly margin: number;
  /** The chance of a wrong verdict that is accepted. */
  readonly alpha: number;
  /** How often the rows are drawn anew. */
  readonly resamples: number;
  /** Seed of the draws. */
  readonly seed: number;
}

/** A gate that holds a version to what another one takes and gives. */
export interface SignatureGate {
  /** Tells the kinds of gates apart. */
  readonly gate: 'signature';
  /** The version that it may take the place of: `production`, `staging` or a reference. */
  readonly against: string;
}

/** A gate on the parts of a dataset. */
export interface SlicesGate {
  /** Tells the kinds of gates apart. */
  readonly gate: 'slices';
  /** Name of the metric. */
  readonly metric: string;
  /** Which way is better. */
  readonly goal: 'maximize' | 'minimize';
  /** The worst value that passes in every slice. */
  readonly bar?: number | undefined;
  /** The worst value that passes in slices of their own bar, which must have been measured. */
  readonly bars: Readonly<Record<string, number>>;
}

/** A gate on the age of a version and of what was measured of it. */
export interface FreshnessGate {
  /** Tells the kinds of gates apart. */
  readonly gate: 'freshness';
  /** The greatest age of the version, in milliseconds. */
  readonly maxAgeMs?: number | undefined;
  /** The greatest age of its newest evaluation, in milliseconds. */
  readonly evaluatedWithinMs?: number | undefined;
}

/** A gate that asks for people who vouch for a version. */
export interface ApprovalsGate {
  /** Tells the kinds of gates apart. */
  readonly gate: 'approvals';
  /** How many. */
  readonly count: number;
  /** `author`: approvals of whoever made the version do not count. */
  readonly notBy?: 'author' | undefined;
  /** Only approvals of these count. */
  readonly by?: readonly string[] | undefined;
}

/** A gate on how far the data of the newest evaluation drifted. */
export interface DriftGate {
  /** Tells the kinds of gates apart. */
  readonly gate: 'drift';
  /** The greatest share of judged columns that may have drifted. */
  readonly maxShare: number;
}

/** A gate that asks for the signature of a key. */
export interface SignedGate {
  /** Tells the kinds of gates apart. */
  readonly gate: 'signed';
  /** The public key, as the text of a PEM or a JWK. */
  readonly publicKey: string;
}

/** A gate as it is stored: plain data. Make one with {@link gates}. */
export type GateDefinition = MetricGate | ComparisonGate | SignatureGate | SlicesGate | FreshnessGate | ApprovalsGate | DriftGate | IntegrityGate | SignedGate | CustomGate;

const name = z.string().check(z.minLength(1));
const goal = z.enum(['maximize', 'minimize']);
const finite = z.number();
const notNegative = finite.check(z.minimum(0));

interface MetricShape extends z.core.$ZodShape {
  readonly goal: z.ZodMiniEnum<{ maximize: 'maximize'; minimize: 'minimize' }>;
  readonly min: z.ZodMiniOptional<z.ZodMiniNumber>;
  readonly max: z.ZodMiniOptional<z.ZodMiniNumber>;
  readonly notWorseThan: z.ZodMiniOptional<z.ZodMiniString>;
  readonly tolerance: z.ZodMiniOptional<z.ZodMiniNumber>;
}

/** What may be asked of a metric, without its name. */
export const metricShape: MetricShape = { goal, min: z.optional(finite), max: z.optional(finite), notWorseThan: z.optional(z.string()), tolerance: z.optional(notNegative) };

const schemas: { readonly [kind in GateDefinition['gate']]: z.ZodMiniType<GateDefinition> } = {
  metric: z.strictObject({ gate: z.literal('metric'), metric: name, ...metricShape }),
  comparison: z.strictObject({
    gate: z.literal('comparison'),
    metric: z.enum(['accuracy', 'auc', 'logLoss', 'brier', 'mae', 'rmse']),
    against: z.string(),
    demand: z.enum(['not-worse', 'non-inferior', 'superior']),
    margin: notNegative,
    alpha: finite.check(z.gt(0), z.lt(1)),
    resamples: z.int().check(z.minimum(100), z.maximum(100_000)),
    seed: z.int().check(z.minimum(0), z.maximum(2 ** 32 - 1)),
  }),
  signature: z.strictObject({ gate: z.literal('signature'), against: z.string() }),
  slices: z.strictObject({ gate: z.literal('slices'), metric: name, goal, bar: z.optional(finite), bars: z.record(z.string(), finite) }),
  freshness: z.strictObject({ gate: z.literal('freshness'), maxAgeMs: z.optional(notNegative), evaluatedWithinMs: z.optional(notNegative) }),
  approvals: z.strictObject({ gate: z.literal('approvals'), count: z.int().check(z.minimum(1)), notBy: z.optional(z.literal('author')), by: z.optional(z.array(name)) }),
  drift: z.strictObject({ gate: z.literal('drift'), maxShare: finite.check(z.minimum(0), z.maximum(1)) }),
  integrity: z.strictObject({ gate: z.literal('integrity') }),
  signed: z.strictObject({ gate: z.literal('signed'), publicKey: name }),
  custom: z.strictObject({ gate: z.literal('custom'), name, timeoutMs: z.optional(notNegative) }),
};

/** Checks a gate where it enters, also one that was not made by {@link gates}. */
export function checkGate(gate: unknown, path: string): GateDefinition {
  const kind = (gate as Partial<GateDefinition> | null | undefined)?.gate;
  if (kind === undefined || !Object.hasOwn(schemas, kind)) throw new ValidationError(`${path} is ${shown(gate)}, which is no gate; make one with ${Object.keys(schemas).map((each) => `gates.${each}()`).join(', ')}.`, { path });
  const checked = check(schemas[kind], gate, path);
  const problem = problemOf(checked);
  if (problem !== undefined) throw new ValidationError(`${path} ${problem}.`, { path });
  return checked;
}

/** Checks that a gate compares with a version of `model`, where it compares with one. */
export function checkOpponent(gate: GateDefinition, model: string, path: string): void {
  const [named, field] = gate.gate === 'metric' ? [gate.notWorseThan, 'notWorseThan'] : gate.gate === 'comparison' || gate.gate === 'signature' ? [gate.against, 'against'] : [undefined, ''];
  if (named === undefined || named === 'production' || named === 'staging') return;
  const where = `${path}.${field}`;
  const { model: other, selector } = parseReference(named, where);
  if (other === model && selector !== 'latest' && !('alias' in selector)) return;
  throw new ValidationError(`${where} is ${shown(named)}; compare with 'production', 'staging' or a numbered version of ${shown(model)}.`, { path: where });
}

/** Whether this modelkeep understands a gate that is stored with `model`, whole. */
export function isKnownGate(gate: GateDefinition, model: string): boolean {
  try {
    checkOpponent(checkGate(gate, 'gate'), model, 'gate');
    return true;
  } catch {
    return false;
  }
}

/** Which version a gate that was checked compares with: that in a stage, or one by number. */
export function opponentOf(named: string): ExclusiveStage | number {
  if (named === 'production' || named === 'staging') return named;
  const { selector } = parseReference(named, 'gate');
  if (selector !== 'latest' && 'version' in selector) return selector.version;
  if (selector !== 'latest' && 'stage' in selector) return selector.stage;
  throw new ValidationError(`${shown(named)} may be a different version tomorrow; compare with a stage or a number.`, { path: 'gate' });
}

function problemOf(gate: GateDefinition): string | undefined {
  switch (gate.gate) {
    case 'metric': {
      const { min, max, notWorseThan, tolerance } = gate;
      if (min === undefined && max === undefined && notWorseThan === undefined) return 'asks for nothing; give min, max or notWorseThan';
      if (min !== undefined && max !== undefined && min > max) return `can never pass: min ${min} is more than max ${max}`;
      return tolerance !== undefined && notWorseThan === undefined ? 'has a tolerance and nothing to compare with; give notWorseThan' : undefined;
    }
    case 'comparison':
      return gate.demand === 'non-inferior' && gate.margin === 0 ? 'asks for non-inferiority without a margin, which is superiority; give the margin that does not matter, or demand it' : undefined;
    case 'slices':
      return gate.bar === undefined && Object.keys(gate.bars).length === 0 ? 'asks for nothing; give bar, or bars by slice' : undefined;
    case 'freshness':
      return gate.maxAgeMs === undefined && gate.evaluatedWithinMs === undefined ? 'asks for nothing; give maxAge or evaluatedWithin' : undefined;
    case 'approvals':
      return gate.by && new Set(gate.by).size < gate.count ? `can never pass: it asks for ${gate.count} approvals of ${new Set(gate.by).size} people` : undefined;
    default:
      return undefined;
  }
}

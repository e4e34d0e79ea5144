import * as z from 'zod/mini';
import { durationMs, type Duration } from '../core/duration.ts';
import { check } from '../core/schema.ts';
import {
  checkGate,
  checkOpponent,
  metricShape,
  type ApprovalsGate,
  type ComparableMetric,
  type ComparisonGate,
  type CustomGate,
  type DriftGate,
  type FreshnessGate,
  type GateDefinition,
  type IntegrityGate,
  type MetricGate,
  type SignatureGate,
  type SignedGate,
  type SlicesGate,
} from './gate-definition.ts';
import type { ExclusiveStage } from './stages.ts';

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

/** What a comparison gate asks for. */
export interface ComparisonGateOptions {
  /** The version to compare with: `'production'`, `'staging'`, or a reference to a version of the same model such as `'fraud@3'`. While the stage is empty the gate passes and says so. @default 'production' */
  readonly against?: string | undefined;
  /**
   * What the rows must show. `not-worse`: that the version is worse by more than `margin` is not significant. `non-inferior`: that it is not worse by more than `margin` is
   * significant. `superior`: that it is better by more than `margin` is significant. @default 'not-worse'
   */
  readonly demand?: 'not-worse' | 'non-inferior' | 'superior' | undefined;
  /** The difference that does not matter, in units of the metric. @default 0 */
  readonly margin?: number | undefined;
  /** The chance of a wrong verdict that is accepted. @default 0.05 */
  readonly alpha?: number | undefined;
  /** How often the rows are drawn anew where the interval comes from draws, 100 to 100,000. @default 2000 */
  readonly resamples?: number | undefined;
  /** Seed of the draws: the same rows give the same verdict. @default 1 */
  readonly seed?: number | undefined;
}

/** What a signature is held to. */
export interface SignatureGateOptions {
  /** The version that it is to replace: `'production'`, `'staging'`, or a reference to a version of the same model such as `'fraud@3'`. @default 'production' */
  readonly against?: string | undefined;
}

/** What a gate on slices asks for; at least one of `bar` and `bars`. */
export interface SlicesGateOptions {
  /** Which way is better. */
  readonly goal: 'maximize' | 'minimize';
  /** The worst value that passes in every slice. @default none */
  readonly bar?: number | undefined;
  /** The worst value that passes in some slices, in place of `bar`. These slices must have been measured. @default none */
  readonly bars?: Readonly<Record<string, number>> | undefined;
}

/** How young a version must be; at least one of the two. */
export interface FreshnessGateOptions {
  /** The greatest age of the version. @default any */
  readonly maxAge?: Duration | undefined;
  /** The greatest age of its newest evaluation. @default any */
  readonly evaluatedWithin?: Duration | undefined;
}

/** Whose approvals count. */
export interface ApprovalsGateOptions {
  /** `'author'`: those of whoever made the version (`createdBy`) do not. @default everyone's count */
  readonly notBy?: 'author' | undefined;
  /** Only those of these people do. @default everyone's */
  readonly by?: readonly string[] | undefined;
}

/** How far the data may have drifted. */
export interface DriftGateOptions {
  /** The greatest share of judged columns that may have drifted, 0 to 1. @default 0 */
  readonly maxShare?: number | undefined;
}

/** Whose signature is asked for. */
export interface SignedGateOptions {
  /** The public key: ECDSA over P-256, as the text of a PEM or a JWK. */
  readonly publicKey: string;
}

/** How a custom gate is run. */
export interface CustomGateOptions {
  /** The gate fails when its function takes longer. @default no limit */
  readonly timeout?: Duration | undefined;
}

const metricOptionsSchema = z.strictObject(metricShape);
const optionsSchema = z.looseObject({});
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
  /**
   * Predictions of both versions on the same rows, as `recordEvaluation` stored them, show that the version is not worse, not inferior or superior. Accuracy is judged by McNemar's
   * exact test where there is no margin, the area under the ROC curve by DeLong's, all else by the bootstrap of the paired differences. What it found has n, the difference and its interval.
   */
  comparison(metric: ComparableMetric, options?: ComparisonGateOptions): ComparisonGate;
  /** The version takes whatever the one that it is to replace took, and gives nothing that that one never gave. Versions without a signature fail; where the other one has none the gate passes and says so. */
  signature(options?: SignatureGateOptions): SignatureGate;
  /** A metric of the newest evaluation that was taken apart by slices: in none it falls below its bar. */
  slices(metric: string, options: SlicesGateOptions): SlicesGate;
  /** The version, or the newest evaluation of it, is young enough. */
  freshness(options: FreshnessGateOptions): FreshnessGate;
  /** So many people vouch for the version. */
  approvals(count: number, options?: ApprovalsGateOptions): ApprovalsGate;
  /** The data of the newest evaluation that tells of drift has not drifted away from what the version was trained on. */
  drift(options?: DriftGateOptions): DriftGate;
  /** Every file is in the store and has the bytes that were registered. */
  integrity(): IntegrityGate;
  /**
   * The version was signed with a known key (`registry.sign`), over just the files that it has. The bytes of the files are the matter of `integrity`. Whoever may set the policy
   * chooses the key, so let few do that.
   */
  signed(options: SignedGateOptions): SignedGate;
  /** The function of that name in the Registry's `gates` option decides. Its absence, an error and a timeout fail the gate. */
  custom(name: string, options?: CustomGateOptions): CustomGate;
} = {
  metric(metric, options) {
    // Checked by themselves first, for they must not put another metric or kind of gate in the place of this one.
    check(metricOptionsSchema, options, 'gates.metric');
    return checkGate({ ...options, gate: 'metric', metric }, 'gates.metric') as MetricGate;
  },
  comparison(metric, options = {}) {
    const { against = 'production', demand = 'not-worse', margin = 0, alpha = 0.05, resamples = 2000, seed = 1, ...strange } = given(options, 'gates.comparison');
    return checkGate({ ...strange, gate: 'comparison', metric, against, demand, margin, alpha, resamples, seed }, 'gates.comparison') as ComparisonGate;
  },
  signature(options = {}) {
    const { against = 'production', ...strange } = given(options, 'gates.signature');
    return checkGate({ ...strange, gate: 'signature', against }, 'gates.signature') as SignatureGate;
  },
  slices(metric, options) {
    const { goal, bar, bars = {}, ...strange } = given(options, 'gates.slices');
    return checkGate({ ...strange, gate: 'slices', metric, goal, ...(bar === undefined ? {} : { bar }), bars }, 'gates.slices') as SlicesGate;
  },
  freshness(options) {
    const { maxAge, evaluatedWithin, ...strange } = given(options, 'gates.freshness');
    const limits = { ...limit('maxAgeMs', maxAge, 'gates.freshness.maxAge'), ...limit('evaluatedWithinMs', evaluatedWithin, 'gates.freshness.evaluatedWithin') };
    return checkGate({ ...strange, gate: 'freshness', ...limits }, 'gates.freshness') as FreshnessGate;
  },
  approvals: (count, options = {}) => checkGate({ ...given(options, 'gates.approvals'), gate: 'approvals', count }, 'gates.approvals') as ApprovalsGate,
  drift(options = {}) {
    const { maxShare = 0, ...strange } = given(options, 'gates.drift');
    return checkGate({ ...strange, gate: 'drift', maxShare }, 'gates.drift') as DriftGate;
  },
  integrity: () => ({ gate: 'integrity' }),
  signed(options) {
    const { publicKey, ...strange } = given(options, 'gates.signed');
    return checkGate({ ...strange, gate: 'signed', publicKey }, 'gates.signed') as SignedGate;
  },
  custom(named, options = {}) {
    const { timeout, ...strange } = given(options, 'gates.custom');
    return checkGate({ ...strange, gate: 'custom', name: named, ...limit('timeoutMs', timeout, 'gates.custom.timeout') }, 'gates.custom') as CustomGate;
  },
};

/** Checks a policy where it enters, also one that was not made by {@link gates}; `model` is whose versions its references may name. */
export function checkPolicy(policy: Policy, model: string): Policy {
  const given = check(policySchema, policy, 'policy');
  const checked: Partial<Record<ExclusiveStage, readonly GateDefinition[]>> = {};
  for (const stage of ['staging', 'production'] as const) {
    const definitions = given[stage]?.map((gate, i) => checkGate(gate, `policy.${stage}[${i}]`));
    definitions?.forEach((gate, i) => checkOpponent(gate, model, `policy.${stage}[${i}]`));
    if (definitions && definitions.length > 0) checked[stage] = definitions;
  }
  return checked;
}

function given<O extends object>(options: O, path: string): O {
  return check(optionsSchema, options, path) as O;
}

function limit(field: string, duration: Duration | undefined, path: string): Readonly<Record<string, number>> {
  return duration === undefined ? {} : { [field]: durationMs(duration, path) };
}

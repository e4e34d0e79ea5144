/** What every guardrail over a metric has. */
export interface MetricGuardrail {
  /**
   * What is measured of each version: `error_rate`, the share of requests that failed; `latency_p50`, `latency_p99`, `latency_p99.9`, a quantile of how long requests took, in milliseconds; any other name is a metric of your own,
   * whose values come as feedback, and of which the mean is judged.
   */
  readonly metric: string;
  /** Names the guardrail among those of a rollout. @default what it says, such as `error_rate max 0.01` */
  readonly name?: string | undefined;
  /**
   * When a verdict is a success: `no-harm` when nothing speaks for a breach, `proof` when it is shown that there is none, for which far more requests are needed. @default 'no-harm'
   */
  readonly require?: 'no-harm' | 'proof' | undefined;
  /** How many values of the candidate there must be before it can be a success. @default that of the rollout, and of a quantile five times as many as there must be for one to lie beyond it */
  readonly minSamples?: number | undefined;
}

/** Holds a metric of the candidate to a bound that is the same at all times. */
export interface BoundGuardrail extends MetricGuardrail {
  /** The largest value that is allowed. @default none */
  readonly max?: number | undefined;
  /** The smallest value that is allowed; of metrics of your own only. @default none */
  readonly min?: number | undefined;
  /** What the values of a metric of your own are: numbers, or zeros and ones (others are left out), of which the share is judged exactly. @default 'mean' */
  readonly kind?: 'mean' | 'proportion' | undefined;
}

/** Holds a metric of the candidate to that of the stable version at the same time: to the control, an equal share of requests. */
export interface ComparedGuardrail extends MetricGuardrail {
  /** What it is compared with. */
  readonly notWorseThan: 'stable';
  /** The bound is so many times the control's value: above 1 where less is better, below 1 where more is; of a mean below 0, the same share of its size away from it. @default 1 */
  readonly ratio?: number | undefined;
  /** And so much worse, in the unit of the metric. @default 0 */
  readonly margin?: number | undefined;
  /** Which way is better; of a metric of your own only. @default 'increase' */
  readonly goal?: 'increase' | 'decrease' | undefined;
}

/** Asks a function: one of the `checks` of the deployment. */
export interface CheckGuardrail {
  /** Which check is asked; `drift` is that of the deployment's monitor, unless there is a check of that name. */
  readonly check: string;
  /** Names the guardrail among those of a rollout. @default that of the check */
  readonly name?: string | undefined;
}

/** Something that must hold of a candidate while it is rolled out. */
export type Guardrail = BoundGuardrail | ComparedGuardrail | CheckGuardrail;

/** What a look at a guardrail came to. `error`: it could not be looked at. */
export type GuardrailStatus = 'success' | 'failed' | 'inconclusive' | 'error';

/** What a look at a guardrail came to, with the numbers. */
export interface GuardrailVerdict {
  /** Which guardrail. */
  readonly guardrail: string;
  /** What it came to. */
  readonly status: GuardrailStatus;
  /** Why, in words. */
  readonly reason: string;
  /** Why it is inconclusive: nothing was counted yet, too little was, what there is does not decide, or the arms do not have the shares that they should have. */
  readonly cause?: 'no-data' | 'few-samples' | 'undecided' | 'sample-ratio' | undefined;
  /** The candidate's value. */
  readonly candidate?: number | undefined;
  /** The control's. */
  readonly control?: number | undefined;
  /** What the candidate's value is held to. */
  readonly limit?: number | undefined;
  /** How many values of the candidate, and of the control, it rests on. */
  readonly samples?:
    | {
        /** Of the candidate. */
        readonly candidate: number;
        /** Of the control; 0 where there is none. */
        readonly control: number;
      }
    | undefined;
  /** The chance of a false alarm that it may use up, over all looks of its part of the rollout. */
  readonly alpha?: number | undefined;
  /** What a check gave as evidence. */
  readonly evidence?: Readonly<Record<string, unknown>> | undefined;
}

/** A guardrail as a plan has it. */
export type PlannedGuardrail = PlannedBound | PlannedComparison | PlannedCheck;

/** What is measured. */
export type GuardrailMetric = { readonly kind: 'errors' } | { readonly kind: 'latency'; readonly probability: number } | { readonly kind: 'values'; readonly name: string; readonly proportion: boolean };

interface PlannedMetric {
  readonly name: string;
  readonly metric: GuardrailMetric;
  readonly require: 'no-harm' | 'proof';
  readonly minSamples: number;
}

/** A metric that is held to a bound on one side. */
export interface PlannedBound extends PlannedMetric {
  readonly kind: 'bound';
  readonly side: 'max' | 'min';
  readonly bound: number;
}

/** A metric that is held to that of the control. */
export interface PlannedComparison extends PlannedMetric {
  readonly kind: 'comparison';
  readonly goal: 'increase' | 'decrease';
  readonly ratio: number;
  readonly margin: number;
}

/** A function that is asked. */
export interface PlannedCheck {
  readonly kind: 'check';
  readonly name: string;
  readonly check: string;
}

/** What a check is told. */
export interface RolloutCheckContext {
  /** The model. */
  readonly model: string;
  /** The version that is rolled out. */
  readonly candidate: number;
  /** The version that it is to take the place of. */
  readonly stable: number;
  /** Epoch milliseconds when the present stage began. */
  readonly since: number;
}

/** What a check says. */
export interface RolloutCheckResult {
  /** Whether the candidate passes: `inconclusive` when that cannot be told yet. */
  readonly status: 'success' | 'failed' | 'inconclusive';
  /** Why, in words. @default none */
  readonly reason?: string | undefined;
  /** Facts for the history; plain data. @default none */
  readonly evidence?: Readonly<Record<string, unknown>> | undefined;
}

/** A function behind a guardrail. What it throws is a verdict of `error`. */
export type RolloutCheck = (context: RolloutCheckContext) => RolloutCheckResult | Promise<RolloutCheckResult>;

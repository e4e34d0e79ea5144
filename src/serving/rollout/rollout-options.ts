import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import { wellFormedCheck } from '../../core/option-schemas.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { BoundGuardrail, ComparedGuardrail, Guardrail } from './guardrail.ts';
import { planGuardrails } from './plan-guardrails.ts';
import { controlShare, type RolloutPlan, type RolloutStage, type RolloutStrategy } from './rollout-plan.ts';

/** A share of requests, and how long it is held. */
export interface RolloutStep {
  /** Percent of requests that the candidate answers, above 0, at most 100; never less than in the step before. */
  readonly weight: number;
  /** How long at least. A step without it, and without `minSamples`, is only passed through. @default 0 */
  readonly hold?: Duration | undefined;
  /** How many requests the candidate and the control must have had. @default that of the rollout where the step has a hold, else 0 */
  readonly minSamples?: number | undefined;
}

/** Copies of requests that the candidate answers before anybody sees an answer of it. */
export interface ShadowStep {
  /** Percent of requests that are copied, at most 100; 0 only keeps the candidate ready. @default 10 */
  readonly share?: number | undefined;
  /** How long at least. @default '10m' */
  readonly hold?: Duration | undefined;
  /** How many copies there must have been. @default that of the rollout, and 0 where nothing is copied */
  readonly minSamples?: number | undefined;
}

/** How many verdicts of a kind a guardrail may have. The next one acts: with 0 it is the first, with 3 it is the fourth. */
export interface RolloutBudgetOptions {
  /** Failed ones in all of the rollout; what is good in between takes none back. The next rolls back. @default 0 */
  readonly failed?: number | undefined;
  /** Errors one after the other. The next does what `onError` says. @default 4 */
  readonly error?: number | undefined;
  /** Inconclusive ones one after the other. The next pauses. @default as many as there are in the time */
  readonly inconclusive?: number | undefined;
}

/** Who does something to a rollout, and why. */
export interface RolloutActor {
  /** Who, for the history. @default not told */
  readonly by?: string | undefined;
  /** Why, for the history. @default not told */
  readonly reason?: string | undefined;
}

/** How a version is brought into production. */
export interface RolloutOptions extends RolloutActor {
  /** The number of the version. */
  readonly candidate: number;
  /**
   * `canary` gives it growing shares of requests; `blue-green` looks at it without its answers being seen (`shadow`), then promotes it and keeps the version before to go back to (`keep`); `all-at-once` promotes it. @default 'canary'
   */
  readonly strategy?: RolloutStrategy | undefined;
  /** The shares of a canary, one after the other. @default 5, 25 and 50 percent, for ten minutes each */
  readonly steps?: readonly RolloutStep[] | undefined;
  /** Whether, and how, the candidate answers copies of requests first. @default false; true with `blue-green` */
  readonly shadow?: boolean | ShadowStep | undefined;
  /** How long after the promotion the version before is kept, and guardrails with bounds of their own and checks go on: what fails then goes back. @default 0; '10m' with `blue-green` */
  readonly keep?: Duration | undefined;
  /** What must hold of it. @default none */
  readonly guardrails?: readonly Guardrail[] | undefined;
  /** The chance that a candidate that is as good as the stable version and the bounds is rolled back, by all measured guardrails over all looks together; from 1e-9 to 0.5. @default 0.05 */
  readonly alpha?: number | undefined;
  /** How often guardrails are looked at. @default '10s' */
  readonly every?: Duration | undefined;
  /** How many requests the candidate, and the control where there is one, must have had before a stage ends, and how many values a guardrail needs to be a success. @default 100 with guardrails, else 1: a candidate that nobody could ask is not promoted */
  readonly minSamples?: number | undefined;
  /** How much longer than its hold a stage may last before the rollout pauses for somebody to decide. @default '24h' */
  readonly maxHold?: Duration | undefined;
  /** For how long a stage may lack values without that being counted as inconclusive. @default '10m' */
  readonly grace?: Duration | undefined;
  /** Whether a stage ends when its time is over and no guardrail is open (`verdicts`), or when its time is over and none failed (`time`). @default 'verdicts' */
  readonly waitFor?: 'verdicts' | 'time' | undefined;
  /** How many verdicts of a kind a guardrail may have. @default the first that failed rolls back, the fifth error in a row pauses */
  readonly budgets?: RolloutBudgetOptions | undefined;
  /** What happens when a guardrail cannot be looked at again and again. @default 'pause' */
  readonly onError?: 'pause' | 'roll-back' | undefined;
  /** Rolls out although the gates of the registry fail, and promotes so at the end. @default not */
  readonly force?:
    | {
        /** Why they may be passed over; it is kept in the history. */
        readonly reason: string;
      }
    | undefined;
  /** What keys are hashed with. Rollouts with the same salt begin with the same keys, such as those of a team that wants to be first, and a simulation that is run again gives each key the same version. @default one of its own */
  readonly salt?: string | undefined;
}

const whole = z.int().check(z.minimum(0));
const duration = z.union([z.number(), z.string()]);
const percent = z.number().check(z.minimum(0), z.maximum(100));
const text = z.optional(z.string().check(z.minLength(1)));
const step = z.strictObject({ weight: percent.check(z.gt(0)), hold: z.optional(duration), minSamples: z.optional(whole) });
const shadow = z.strictObject({ share: z.optional(percent), hold: z.optional(duration), minSamples: z.optional(whole) });
const measured = {
  metric: z.string().check(z.minLength(1), z.maxLength(200)),
  name: text,
  require: z.optional(z.enum(['no-harm', 'proof'])),
  minSamples: z.optional(whole),
};
const guardrail = z.union([
  z.strictObject({ check: z.string().check(z.minLength(1)), name: text }),
  z.strictObject({ ...measured, notWorseThan: z.literal('stable'), ratio: z.optional(z.number().check(z.gt(0))), margin: z.optional(z.number().check(z.minimum(0))), goal: z.optional(z.enum(['increase', 'decrease'])) }),
  z.strictObject({ ...measured, max: z.optional(z.number()), min: z.optional(z.number()), kind: z.optional(z.enum(['mean', 'proportion'])) }),
]);
// Shared by as many guardrails and stages as there may be, it is still to be told from 0 beside 1.
const leastAlpha = 1e-9;
const optionsSchema = z.strictObject({
  candidate: z.int().check(z.minimum(1)),
  strategy: z.optional(z.enum(['canary', 'blue-green', 'all-at-once'])),
  steps: z.optional(z.array(step).check(z.minLength(1), z.maxLength(100))),
  shadow: z.optional(z.union([z.boolean(), shadow])),
  keep: z.optional(duration),
  guardrails: z.optional(z.array(guardrail).check(z.maxLength(100))),
  alpha: z.optional(z.number().check(z.minimum(leastAlpha), z.maximum(0.5))),
  every: z.optional(duration),
  minSamples: z.optional(whole),
  maxHold: z.optional(duration),
  grace: z.optional(duration),
  waitFor: z.optional(z.enum(['verdicts', 'time'])),
  budgets: z.optional(z.strictObject({ failed: z.optional(whole), error: z.optional(whole), inconclusive: z.optional(whole) })),
  onError: z.optional(z.enum(['pause', 'roll-back'])),
  force: z.optional(z.strictObject({ reason: z.string().check(z.minLength(1)) })),
  salt: z.optional(z.string().check(z.minLength(1), z.maxLength(1_000), wellFormedCheck)),
  by: text,
  reason: text,
});
const actorSchema = z.strictObject({ by: text, reason: text });
const promotionSchema = z.strictObject({ by: text, reason: text, force: z.optional(z.boolean()) });

/** Checks who does something, and why. */
export function checkActor(options: RolloutActor): RolloutActor {
  return check(actorSchema, options, 'options');
}

/** Checks who promotes, why, and whether against the gates. */
export function checkPromotion(options: RolloutActor & { readonly force?: boolean | undefined }): RolloutActor & { readonly force?: boolean | undefined } {
  return check(promotionSchema, options, 'options');
}

const shortestLookMs = 100;
const defaultSteps: readonly RolloutStep[] = [5, 25, 50].map((weight) => ({ weight, hold: '10m' }));

/** Checks the options of a rollout and makes its plan. */
export function planRollout(options: RolloutOptions): { readonly plan: RolloutPlan; readonly candidate: number; readonly actor: RolloutActor } {
  const given = check(optionsSchema, options, 'options') as RolloutOptions;
  const { candidate, strategy = 'canary', guardrails = [], alpha = 0.05, every = '10s', maxHold = '24h', grace = '10m', waitFor = 'verdicts', budgets = {}, onError = 'pause', force, salt, by, reason } = given;
  const minSamples = given.minSamples ?? (guardrails.length > 0 ? 100 : 1);
  const everyMs = durationMs(every, 'options.every');
  if (everyMs < shortestLookMs) throw new ValidationError(`options.every is ${shown(every)}; guardrails are looked at every ${shortestLookMs} ms at most.`, { path: 'options.every' });
  const stages = stagesOf(given, strategy, minSamples);
  const planned = planGuardrails(guardrails, minSamples);
  demandControl(guardrails, stages);
  const plan: RolloutPlan = {
    strategy,
    stages,
    guardrails: planned,
    alpha,
    everyMs,
    maxHoldMs: durationMs(maxHold, 'options.maxHold'),
    graceMs: durationMs(grace, 'options.grace'),
    waitFor,
    budgets: { failed: budgets.failed ?? 0, error: budgets.error ?? 4, inconclusive: budgets.inconclusive },
    onError,
    force,
    ...(salt !== undefined && { salt }),
  };
  return { plan, candidate, actor: { by, reason } };
}

function stagesOf({ steps, shadow, keep }: RolloutOptions, strategy: RolloutStrategy, minSamples: number): readonly RolloutStage[] {
  if (steps && strategy !== 'canary') throw new ValidationError(`options.steps are those of a canary; '${strategy}' has none.`, { path: 'options.steps' });
  if (shadow && strategy === 'all-at-once') throw new ValidationError("options.shadow: what is promoted at once has no time for it; choose 'blue-green'.", { path: 'options.shadow' });
  const stages: RolloutStage[] = [];
  const shadowing = shadow ?? strategy === 'blue-green';
  if (shadowing) {
    const { share = 10, hold = '10m', minSamples: fewest = share > 0 ? minSamples : 0 } = shadowing === true ? {} : shadowing;
    stages.push({ kind: 'shadow', weight: 0, shadow: share / 100, holdMs: durationMs(hold, 'options.shadow.hold'), minSamples: fewest });
  }
  if (strategy === 'canary') {
    for (const [i, { weight, hold = 0, minSamples: fewest }] of (steps ?? defaultSteps).entries()) {
      const holdMs = durationMs(hold, `options.steps[${i}].hold`);
      const before = stages.at(-1)?.weight ?? 0;
      if (weight / 100 < before) throw new ValidationError(`options.steps[${i}].weight is ${weight}, less than in the step before; shares of a rollout grow.`, { path: `options.steps[${i}].weight` });
      stages.push({ kind: 'step', weight: weight / 100, shadow: 0, holdMs, minSamples: fewest ?? (holdMs > 0 ? minSamples : 0) });
    }
  }
  const keepMs = durationMs(keep ?? (strategy === 'blue-green' ? '10m' : 0), 'options.keep');
  if (keepMs > 0) stages.push({ kind: 'keep', weight: 1, shadow: 0, holdMs: keepMs, minSamples: 0 });
  return stages;
}

/** Refuses what would never be judged. */
function demandControl(guardrails: readonly Guardrail[], stages: readonly RolloutStage[]): void {
  const watched = stages.filter(({ kind, shadow }) => kind !== 'shadow' || shadow > 0);
  guardrails.forEach((each: Partial<BoundGuardrail & ComparedGuardrail>, i) => {
    const path = `options.guardrails[${i}]`;
    if (watched.length === 0) throw new ValidationError(`${path} would never be looked at: the rollout has no time in which the candidate is asked. Give it steps, a shadow or keep.`, { path });
    if (each.notWorseThan && !watched.some((stage) => controlShare(stage) > 0)) throw new ValidationError(`${path} compares with the stable version, of which no stage leaves requests to compare with. Give it a shadow or a step below 100, or a bound.`, { path });
  });
}

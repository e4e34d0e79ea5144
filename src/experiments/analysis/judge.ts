import { normal } from '../../stats/distributions/normal.ts';
import type { ArmSummary } from '../../stats/experiments/arm-summary.ts';
import { compareArms, type ArmComparison } from '../../stats/experiments/compare-arms.ts';
import { alwaysValid } from '../../stats/experiments/confidence-sequence.ts';
import type { EffectKind } from '../../stats/experiments/effect-moments.ts';
import { groupSequentialBounds } from '../../stats/experiments/group-sequential.ts';
import type { Alternative } from '../../stats/tests/test-result.ts';
import type { AnalyzeSettings } from './analyze-options.ts';

/** How two arms are compared. */
export interface JudgeQuestion {
  readonly effect: EffectKind;
  readonly confidence: number;
  readonly alternative?: Alternative | undefined;
  /** What sequential intervals count in place of the units of both arms. */
  readonly seen?: number | undefined;
}

/** Judges differences by the method of an analysis. */
export interface Judge {
  readonly compare: (control: ArmSummary, treatment: ArmSummary, question: JudgeQuestion) => ArmComparison;
  /** How many standard errors an interval on both sides will reach with so many units in both arms. */
  readonly reach: (units: number, confidence: number) => number;
}

/** The judge for the method; of planned looks, by the shares of the information up to this one. */
export function judgeOf({ method, tunedFor, looks }: AnalyzeSettings, fractions: readonly number[]): Judge {
  if (method === 'fixed') return { compare: (a, b, question) => compareArms(a, b, { ...question, method }), reach: (_, confidence) => -normal.quantile((1 - confidence) / 2) };
  if (method === 'sequential') return { compare: (a, b, question) => compareArms(a, b, { ...question, method, tunedFor }), reach: (units, confidence) => alwaysValid(0, units, { confidence, tunedFor }).reach };
  const look = plannedLook(fractions, looks?.spending ?? 'obrien-fleming');
  return {
    compare: (a, b, question) => atLook(compareArms(a, b, { ...question, method: 'fixed' }), question, look),
    reach: (_, confidence) => look.bound(1 - confidence, 2),
  };
}

/** A comparison with the interval and the p-value of a planned look. */
function atLook(compared: ArmComparison, { alternative = 'two-sided', confidence }: JudgeQuestion, look: PlannedLook): ArmComparison {
  if (compared.status === 'undefined') return compared;
  const { effect, standardError } = compared;
  const sides = alternative === 'two-sided' ? 2 : 1;
  const z = effect / standardError;
  const reach = look.bound(1 - confidence, sides) * standardError;
  return {
    ...compared,
    low: alternative === 'less' ? -Infinity : effect - reach,
    high: alternative === 'greater' ? Infinity : effect + reach,
    pValue: look.pValue(alternative === 'two-sided' ? Math.abs(z) : alternative === 'greater' ? z : -z, sides),
  };
}

interface PlannedLook {
  /** From how many standard errors on a difference is significant at the level. */
  readonly bound: (alpha: number, sides: 1 | 2) => number;
  /** The smallest level at which so many standard errors are significant at this look (the repeated p-value of Jennison and Turnbull 1989). */
  readonly pValue: (z: number, sides: 1 | 2) => number;
}

function plannedLook(fractions: readonly number[], spending: 'obrien-fleming' | 'pocock'): PlannedLook {
  const known = new Map<string, number>();
  const bound = (alpha: number, sides: 1 | 2): number => {
    const key = `${alpha} ${sides}`;
    // Before the first look nothing is spent, and nothing is significant.
    const z = fractions.length === 0 ? Infinity : known.get(key) ?? groupSequentialBounds(fractions, { alpha, sides, spending }).at(-1)!.z;
    known.set(key, z);
    return z;
  };
  return { bound, pValue: (z, sides) => levelOf(z, sides, bound) };
}

const mostLevel = 0.999;

/** Where the bound is z: by the false position (Illinois) of its square over the logarithm of the level, which is nearly a straight line. */
function levelOf(z: number, sides: 1 | 2, bound: PlannedLook['bound']): number {
  // No bound of several looks is lower than that of one.
  const least = sides * normal.sf(z);
  if (!(least < mostLevel) || bound(mostLevel, sides) >= z) return 1;
  const over = (level: number): number => signedSquare(Math.min(bound(level, sides), 1e3)) - signedSquare(z);
  if (!(least > 0) || over(least) <= 0) return least;
  let [low, high] = [Math.log(least), Math.log(mostLevel)];
  let [above, below] = [over(least), over(mostLevel)];
  for (let step = 0; step < 60 && high - low > 1e-10; step++) {
    const at = low + ((high - low) * above) / (above - below);
    const found = over(Math.exp(at));
    if (Math.abs(found) <= 1e-9 * z * z) return Math.exp(at);
    if (found > 0) [low, above, below] = [at, found, below / 2];
    else [high, below, above] = [at, found, above / 2];
  }
  return Math.exp(high);
}

function signedSquare(z: number): number {
  return z * Math.abs(z);
}

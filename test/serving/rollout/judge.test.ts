import { describe, expect, it } from 'vitest';
import { seededRandom, type Random } from '../../../src/core/random.ts';
import { ArmCounts } from '../../../src/serving/rollout/arm-counts.ts';
import type { Guardrail, GuardrailVerdict, PlannedBound, PlannedComparison } from '../../../src/serving/rollout/guardrail.ts';
import { judgeGuardrail, judgeSampleRatio, sharedAlpha, type StageEvidence } from '../../../src/serving/rollout/judge-guardrail.ts';
import { LatencyLaw } from '../../../src/serving/rollout/latency-bounds.ts';
import { planRollout } from '../../../src/serving/rollout/rollout-options.ts';
import { windowCount, windowOf } from '../../../src/serving/rollout/rollout-plan.ts';

const steps = [{ weight: 25, hold: '1h' }] as const;

function planned(...guardrails: readonly Guardrail[]) {
  return planRollout({ candidate: 2, steps, guardrails }).plan;
}

function judge(guardrail: Guardrail, evidence: StageEvidence, alpha = 0.05): GuardrailVerdict {
  const plan = planned(guardrail);
  return judgeGuardrail(plan.guardrails[0] as PlannedBound | PlannedComparison, evidence, plan.stages[0]!, alpha);
}

function arm(n: number, of: (i: number) => { ms?: number; failed?: boolean; value?: number }): ArmCounts {
  const counts = new ArmCounts();
  for (let i = 0; i < n; i++) {
    const { ms = 10, failed = false, value } = of(i);
    counts.add(ms, failed, true);
    if (value !== undefined) counts.measure('score', value);
  }
  return counts;
}

const evidence = (candidate: ArmCounts, control: ArmCounts): StageEvidence => ({ candidate, control, writers: 1 });
const every = (nth: number) => (i: number) => ({ failed: i % nth === 0 });
const healthy = arm(1000, every(1001));

describe('a guardrail of the error rate', () => {
  it('fails when the rate is beyond its bound for sure, and not when it only seems so', () => {
    const guardrail = { metric: 'error_rate', max: 0.01 } as const;
    expect(judge(guardrail, evidence(arm(1000, every(20)), healthy))).toMatchObject({ status: 'failed', candidate: 0.05, limit: 0.01 });
    expect(judge(guardrail, evidence(arm(1000, every(110)), healthy))).toMatchObject({ status: 'success', candidate: 0.01 });
    expect(judge(guardrail, evidence(arm(1000, (i) => ({ failed: i % 50 === 0 })), healthy))).toMatchObject({ status: 'inconclusive', cause: 'undecided', candidate: 0.02 });
  });

  it('does not need many requests to see that all of them fail', () => {
    const verdict = judge({ metric: 'error_rate', max: 0.01 }, evidence(arm(10, every(1)), healthy));
    expect(verdict).toMatchObject({ status: 'failed', samples: { candidate: 10, control: 0 } });
  });

  it('is compared with a control that never fails', () => {
    const control = arm(1000, () => ({}));
    expect(judge({ metric: 'error_rate', notWorseThan: 'stable' }, evidence(arm(1000, every(100)), control))).toMatchObject({ status: 'failed', candidate: 0.01, control: 0 });
    expect(judge({ metric: 'error_rate', notWorseThan: 'stable' }, evidence(arm(1000, () => ({})), control)).status).toBe('success');
    expect(judge({ metric: 'error_rate', notWorseThan: 'stable', margin: 0.02 }, evidence(arm(1000, every(100)), control)).status).toBe('success');
    expect(judge({ metric: 'error_rate', notWorseThan: 'stable', margin: 0.02 }, evidence(arm(1000, every(10)), control)).status).toBe('failed');
    expect(judge({ metric: 'error_rate', notWorseThan: 'stable', ratio: 3 }, evidence(arm(1000, every(20)), arm(1000, every(40)))).status).toBe('success');
  });

  it('says what it waits for', () => {
    const guardrail = { metric: 'error_rate', notWorseThan: 'stable' } as const;
    expect(judge(guardrail, evidence(new ArmCounts(), healthy))).toMatchObject({ status: 'inconclusive', cause: 'no-data', reason: 'There is no value of the candidate yet.' });
    expect(judge(guardrail, evidence(arm(99, () => ({})), healthy))).toMatchObject({ status: 'inconclusive', cause: 'few-samples' });
  });

  it('asks for proof where that is wanted', () => {
    const guardrail = { metric: 'error_rate', max: 0.01, require: 'proof' } as const;
    expect(judge(guardrail, evidence(arm(300, () => ({})), healthy))).toMatchObject({ status: 'inconclusive', cause: 'undecided' });
    expect(judge(guardrail, evidence(arm(1000, () => ({})), healthy)).status).toBe('success');
  });
});

describe('a guardrail of a latency', () => {
  const uniform = (n: number, random: Random, times = 1): ArmCounts => arm(n, () => ({ ms: 100 * times * (0.5 + random()) }));

  it('holds a quantile to a bound', () => {
    const slow = uniform(2000, seededRandom(1));
    expect(judge({ metric: 'latency_p99', max: 160 }, evidence(slow, healthy)).status).toBe('success');
    const verdict = judge({ metric: 'latency_p99', max: 130 }, evidence(slow, healthy));
    expect(verdict.status).toBe('failed');
    expect(verdict.candidate! / 149).toBeCloseTo(1, 1);
    expect(judge({ metric: 'latency_p50', max: 90 }, evidence(slow, healthy)).status).toBe('failed');
    expect(judge({ metric: 'latency_p99', max: 160 }, evidence(uniform(499, seededRandom(1)), healthy))).toMatchObject({ status: 'inconclusive', cause: 'few-samples' });
  });

  it('compares a quantile with that of the control', () => {
    const random = seededRandom(2);
    const control = uniform(3000, random);
    const guardrail = { metric: 'latency_p99', notWorseThan: 'stable', ratio: 1.2 } as const;
    expect(judge(guardrail, evidence(uniform(3000, random), control)).status).toBe('success');
    expect(judge(guardrail, evidence(uniform(3000, random, 1.5), control)).status).toBe('failed');
  });

  it('goes by answers that were made, not by those that were kept: a new version has fewer of these', () => {
    const random = seededRandom(9);
    const withKept = (n: number, kept: number): ArmCounts => {
      const counts = new ArmCounts();
      for (let i = 0; i < n; i++) {
        const isKept = random() < kept;
        counts.add(isKept ? 0.01 : 100 * (0.5 + random()), false, true, isKept);
      }
      return counts;
    };
    const [candidate, control] = [withKept(3000, 0.3), withKept(3000, 0.8)];
    const verdict = judge({ metric: 'latency_p50', notWorseThan: 'stable' }, evidence(candidate, control));
    expect(verdict).toMatchObject({ status: 'success', samples: { candidate: candidate.timed, control: control.timed } });
    expect(candidate.timed / 2100).toBeCloseTo(1, 1);
    expect(judge({ metric: 'latency_p50', max: 80 }, evidence(withKept(3000, 0.8), healthy)).status).toBe('failed');
    expect(new ArmCounts().merge(control.stored())).toEqual(control);
  });

  it('bounds a quantile from both sides, within the width of a bin of what is true', () => {
    const law = new LatencyLaw(uniform(20_000, seededRandom(3)));
    expect(law.lowerBound(0.5, 0.05)).toBeLessThan(100);
    expect(law.lowerBound(0.5, 0.05)).toBeGreaterThan(96);
    expect(law.upperBound(0.5, 0.05)).toBeGreaterThan(100);
    expect(law.upperBound(0.5, 0.05)).toBeLessThan(104);
    expect(new LatencyLaw(uniform(50, seededRandom(3))).upperBound(0.99, 0.05)).toBe(Infinity);
  });
});

describe('a guardrail of a metric of one’s own', () => {
  const normal = (random: Random): number => random() + random() + random() + random() - 2;

  it('holds a mean to a bound on either side', () => {
    const random = seededRandom(4);
    const about = (mean: number): StageEvidence => evidence(arm(1000, () => ({ value: mean + normal(random) })), healthy);
    expect(judge({ metric: 'score', min: 1 }, about(1.02)).status).toBe('success');
    expect(judge({ metric: 'score', min: 1 }, about(0.8)).status).toBe('failed');
    expect(judge({ metric: 'score', max: 1 }, about(1.2)).status).toBe('failed');
    expect(judge({ metric: 'score', min: 1 }, evidence(arm(40, () => ({ value: 0 })), healthy))).toMatchObject({ status: 'inconclusive', cause: 'few-samples' });
  });

  it('compares means, and finds that nobody converts any more', () => {
    const random = seededRandom(5);
    const converts = (rate: number) => arm(2000, () => ({ value: random() < rate ? 1 : 0 }));
    const control = converts(0.05);
    expect(judge({ metric: 'score', notWorseThan: 'stable' }, evidence(converts(0.05), control)).status).toBe('success');
    expect(judge({ metric: 'score', notWorseThan: 'stable' }, evidence(converts(0), control))).toMatchObject({ status: 'failed', candidate: 0 });
    expect(judge({ metric: 'score', notWorseThan: 'stable', goal: 'decrease' }, evidence(converts(0.15), control)).status).toBe('failed');
    expect(judge({ metric: 'score', min: 0.04, kind: 'proportion' }, evidence(converts(0.01), control))).toMatchObject({ status: 'failed', limit: 0.04 });
    expect(judge({ metric: 'score', max: 0.5, kind: 'proportion' }, evidence(arm(20, () => ({ value: 1 })), control)).status).toBe('failed');
  });

  it('allows a share of the size of a mean, be that above or below 0', () => {
    const random = seededRandom(8);
    const about = (mean: number): ArmCounts => arm(2000, () => ({ value: mean + normal(random) }));
    const [less, more] = [{ metric: 'score', notWorseThan: 'stable', ratio: 0.9 }, { metric: 'score', notWorseThan: 'stable', ratio: 1.1, goal: 'decrease' }] as const;
    const [loss, gain] = [about(-10), about(10)];
    for (const guardrail of [less, more]) for (const control of [loss, gain]) expect(judge(guardrail, evidence(control, control)).status).toBe('success');
    expect(judge(less, evidence(about(-10.5), loss)).status).toBe('success');
    expect(judge(less, evidence(about(-12), loss))).toMatchObject({ status: 'failed' });
    expect(judge(more, evidence(about(-9.5), loss)).status).toBe('success');
    expect(judge(more, evidence(about(-8), loss))).toMatchObject({ status: 'failed' });
    expect(judge(less, evidence(about(8), gain)).status).toBe('failed');
    expect(judge(more, evidence(about(12), gain)).status).toBe('failed');
  });

  it('is not sure of what does not vary, and lets nobody pass by it', () => {
    const same = evidence(arm(200, () => ({ value: 5 })), healthy);
    expect(judge({ metric: 'score', max: 4 }, same)).toMatchObject({ status: 'inconclusive', cause: 'undecided' });
    expect(judge({ metric: 'score', max: 6 }, same).status).toBe('success');
  });
});

describe('what is judged together', () => {
  it('shares the chance of a false alarm over guardrails and the parts that begin anew', () => {
    const { plan } = planRollout({ candidate: 2, shadow: true, steps: [{ weight: 5 }, { weight: 25 }, { weight: 75 }, { weight: 100 }], guardrails: [{ metric: 'error_rate', max: 0.1 }, { metric: 'latency_p50', max: 3 }, { metric: 'drift' }] });
    expect([0, 1, 2, 3, 4].map((stage) => windowOf(plan, stage))).toEqual([[0], [1], [1, 2], [3], [4]]);
    expect(windowCount(plan)).toBe(4);
    expect(sharedAlpha(plan)).toBeCloseTo(0.05 / 8, 12);
  });

  it('looks whether the arms have their shares, by keys and not by requests, and careful of keys that several processes saw', () => {
    const stage = planned().stages[0]!;
    const of = (candidate: number, control: number, writers = 1): StageEvidence => ({ candidate: Object.assign(new ArmCounts(), { units: candidate }), control: Object.assign(new ArmCounts(), { units: control }), writers });
    expect(judgeSampleRatio(of(5000, 5100), stage)?.status).toBe('success');
    expect(judgeSampleRatio(of(5000, 5600), stage)).toMatchObject({ status: 'inconclusive', cause: 'sample-ratio' });
    expect(judgeSampleRatio(of(5600, 5000), stage)?.status).toBe('inconclusive');
    expect(judgeSampleRatio(of(5000, 5600, 10), stage)?.status).toBe('success');
    expect(judgeSampleRatio(of(1, 0), { ...stage, kind: 'shadow' })).toBeUndefined();
  });

  it('adds up what processes counted', () => {
    const [a, b] = [arm(100, (i) => ({ ms: 1 + i, value: i, failed: i === 3 })), arm(50, (i) => ({ ms: 500, value: -i }))];
    const whole = new ArmCounts();
    for (let i = 0; i < 100; i++) whole.add(1 + i, i === 3, true);
    for (let i = 0; i < 50; i++) whole.add(500, false, true);
    for (let i = 0; i < 100; i++) whole.measure('score', i);
    for (let i = 0; i < 50; i++) whole.measure('score', -i);
    expect(new ArmCounts().merge(a.stored()).merge(b.stored()).stored()).toEqual(whole.stored());
  });
});

/** Rollouts that are looked at after every `batch` requests of each arm; how many came to failed, and how soon. */
function simulate(seed: number, runs: number, outcome: (random: Random, candidate: boolean) => { ms: number; failed: boolean; value: number }): { failed: number; soonest: readonly number[] } {
  const random = seededRandom(seed);
  const plan = planned(
    { metric: 'error_rate', max: 0.06 },
    { metric: 'error_rate', notWorseThan: 'stable' },
    { metric: 'latency_p90', notWorseThan: 'stable' },
    { metric: 'score', notWorseThan: 'stable' },
  );
  const [looks, batch] = [20, 75];
  const soonest: number[] = [];
  for (let run = 0; run < runs; run++) {
    const arms = evidence(new ArmCounts(), new ArmCounts());
    for (let look = 1; look <= looks; look++) {
      for (const [name, counts] of [['candidate', arms.candidate], ['control', arms.control]] as const) {
        for (let i = 0; i < batch; i++) {
          const { ms, failed, value } = outcome(random, name === 'candidate');
          counts.add(ms, failed, true);
          counts.measure('score', value);
        }
      }
      if (!plan.guardrails.some((guardrail) => judgeGuardrail(guardrail as PlannedBound | PlannedComparison, arms, plan.stages[0]!, sharedAlpha(plan)).status === 'failed')) continue;
      soonest.push(look * batch);
      break;
    }
  }
  return { failed: soonest.length, soonest };
}

describe('rollouts that are looked at again and again', () => {
  const alike = (random: Random) => ({ ms: 50 * -Math.log(1 - random()), failed: random() < 0.06, value: random() });

  it('roll back a candidate that is as good in at most alpha of all cases', () => {
    const runs = 80;
    const { failed } = simulate(6, runs, alike);
    expect(failed / runs).toBeLessThanOrEqual(0.05);
  });

  it('roll back at most alpha by a least mean where few values are large', () => {
    const [guardrail, batch]: [Guardrail, number] = [{ metric: 'score', min: 0.05 * Math.exp(0.5) }, 20];
    const random = seededRandom(12);
    const bell = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    // Of twenty users one buys, for very different sums.
    const spend = (): number => (random() < 0.05 ? Math.exp(bell()) : 0);
    const failedOf = (runs: number, looks: number, times: number): number => {
      let failed = 0;
      for (let run = 0; run < runs; run++) {
        const arms = evidence(new ArmCounts(), new ArmCounts());
        let wrong = false;
        for (let look = 0; look < looks && !wrong; look++) {
          for (let i = 0; i < batch; i++) arms.candidate.measure('score', times * spend());
          wrong = judge(guardrail, arms).status === 'failed';
        }
        if (wrong) failed++;
      }
      return failed;
    };
    expect(failedOf(100, 50, 1)).toBeLessThanOrEqual(5);
    expect(failedOf(5, 400, 0.4)).toBe(5);
  });

  it('catch five points more errors', () => {
    const runs = 30;
    const { failed, soonest } = simulate(7, runs, (random, candidate) => ({ ...alike(random), failed: random() < (candidate ? 0.11 : 0.06) }));
    expect(failed).toBeGreaterThanOrEqual(runs - 1);
    expect(soonest.reduce((sum, n) => sum + n, 0) / failed).toBeLessThan(1000);
  });
});

describe('values whose squares are beyond what a number can be', () => {
  it.each([1e200, 1e110])('leave a mean undetermined, and not well: %s', (huge) => {
    const [candidate, control] = [arm(500, (i) => ({ value: i === 7 ? huge : i % 3 })), arm(500, (i) => ({ value: i % 3 }))];
    const open = { status: 'inconclusive', cause: 'undecided', reason: expect.stringContaining('so large that their sums are beyond 1.8e308') };
    expect(judge({ metric: 'score', max: 5 }, evidence(candidate, control))).toMatchObject(open);
    expect(judge({ metric: 'score', min: 5 }, evidence(candidate, control))).toMatchObject(open);
    if (huge === 1e200) expect(judge({ metric: 'score', notWorseThan: 'stable' }, evidence(candidate, control))).toMatchObject(open);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { triggerRules, triggerVerdict, type Tally, type TriggerRule } from '../../src/pipelines/trigger-rule.ts';
import cases from '../fixtures/pipelines.json' with { type: 'json' };

const tallyOf = (states: readonly string[]): Tally => {
  const count = (status: string): number => states.filter((state) => state === status).length;
  return { succeeded: count('success'), failed: count('failed'), skipped: count('skipped'), upstreamFailed: count('upstream_failed') };
};

describe('triggerVerdict', () => {
  it.each(cases.triggerRules)('$rule over $upstream: $expect', ({ rule, upstream, expect: expected }) => {
    expect(triggerVerdict(rule as TriggerRule, tallyOf(upstream), upstream.length)).toBe(expected);
  });

  it('has a case for every rule', () => {
    expect(new Set(cases.triggerRules.map(({ rule }) => rule))).toEqual(new Set(triggerRules));
  });

  it('is decided when all have ended, and whether it runs does not change after it was first said', () => {
    const states = fc.array(fc.constantFrom('success', 'failed', 'skipped', 'upstream_failed'), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...triggerRules), states, (rule, ended) => {
        const verdicts = ended.map((_, i) => triggerVerdict(rule, tallyOf(ended.slice(0, i + 1)), ended.length));
        // Which of the two ways not to run it is may depend on which upstream ended first, as in Airflow.
        const decided = verdicts.filter((verdict) => verdict !== 'wait').map((verdict) => verdict === 'run');
        expect(decided.length).toBeGreaterThan(0);
        expect(new Set(decided).size).toBe(1);
        expect(verdicts.at(-1)).not.toBe('wait');
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GuardrailStatus, GuardrailVerdict } from '../../../src/serving/rollout/guardrail.ts';
import { planRollout, type RolloutOptions } from '../../../src/serving/rollout/rollout-options.ts';
import { reduceRollout } from '../../../src/serving/rollout/rollout-reducer.ts';
import { trafficOf, type RolloutAction, type RolloutInput, type RolloutState } from '../../../src/serving/rollout/rollout-state.ts';

const minute = 60_000;
const guarded = { guardrails: [{ metric: 'error_rate', max: 0.01 }] };
const only = 'error_rate max 0.01';

/** A rollout that is fed by hand. */
class Fed {
  now = 1_000_000;
  state: RolloutState;
  readonly actions: RolloutAction[] = [];

  constructor(options: Omit<RolloutOptions, 'candidate'>) {
    const { plan } = planRollout({ candidate: 2, ...options });
    const [state, actions] = reduceRollout(undefined, { type: 'start', id: 'r1', model: 'm', candidate: 2, stable: 1, plan }, this.now);
    this.state = state;
    this.actions.push(...actions);
  }

  after(ms: number, input: RolloutInput): this {
    this.now += ms;
    const [state, actions] = reduceRollout(this.state, input, this.now);
    this.state = state;
    this.actions.push(...actions);
    return this;
  }

  look(ms: number, status: GuardrailStatus = 'success', facts: Partial<GuardrailVerdict> = {}, n = 1000): this {
    return this.after(ms, { type: 'look', verdicts: [{ guardrail: only, status, reason: 'so it is.', ...facts }], samples: { candidate: n, control: n } });
  }

  get weight(): number | undefined {
    return trafficOf(this.state).candidate?.weight;
  }
}

describe('a rollout step by step', () => {
  const canary = { steps: [{ weight: 5, hold: '10m' }, { weight: 25, hold: '1h' }, { weight: 100 }], ...guarded } as const;

  it('goes through its steps, each for its time, and is promoted at the end', () => {
    const rollout = new Fed(canary);
    expect(trafficOf(rollout.state)).toEqual({ stable: 1, candidate: { version: 2, salt: 'r1', weight: 0.05, controlWeight: 0.05, shadow: 0 } });
    expect(rollout.look(9 * minute).weight).toBe(0.05);
    expect(rollout.look(minute).weight).toBe(0.25);
    expect(rollout.look(59 * minute).weight).toBe(0.25);
    expect(trafficOf(rollout.look(minute).state).candidate).toMatchObject({ weight: 1, controlWeight: 0 });
    expect(rollout.look(1).state.phase).toBe('promoting');
    rollout.after(1, { type: 'promoted' });
    expect(rollout.state).toMatchObject({ phase: 'ended', outcome: 'promoted' });
    expect(trafficOf(rollout.state)).toEqual({});
    expect(rollout.actions).toEqual(['route', 'route', 'route', 'promote', 'route', 'end']);
  });

  it('does not leave a step with too few requests in either arm, nor while a guardrail is open', () => {
    const rollout = new Fed(canary).look(11 * minute, 'success', {}, 99);
    expect(rollout.weight).toBe(0.05);
    expect(rollout.look(1, 'inconclusive').weight).toBe(0.05);
    expect(rollout.look(1, 'error').weight).toBe(0.05);
    expect(rollout.look(1).weight).toBe(0.25);
  });

  it('rolls back at the first failure, whatever it was doing', () => {
    const rollout = new Fed(canary).look(10 * minute).look(1, 'failed', { reason: '9 % of requests fail.' });
    expect(rollout.state).toMatchObject({ phase: 'ended', outcome: 'rolled-back', why: `Guardrail '${only}' failed: 9 % of requests fail.` });
    expect(rollout.weight).toBeUndefined();
  });

  it('tolerates as many failures as its budget has, in all', () => {
    const rollout = new Fed({ ...canary, budgets: { failed: 2 } }).look(1, 'failed').look(1).look(1, 'failed').look(1).look(1);
    expect(rollout.state.phase).toBe('step');
    expect(rollout.look(1, 'failed').state.outcome).toBe('rolled-back');
  });

  it('counts errors in a row, and pauses or rolls back beyond their budget', () => {
    const rollout = new Fed(canary);
    for (let i = 0; i < 4; i++) rollout.look(1, 'error');
    rollout.look(1);
    for (let i = 0; i < 4; i++) rollout.look(1, 'error');
    expect(rollout.state.paused).toBeUndefined();
    expect(rollout.look(1, 'error').state.paused?.reason).toContain('5 times in a row');
    const strict = new Fed({ ...canary, budgets: { error: 0 }, onError: 'roll-back' });
    expect(strict.look(1, 'error').state.outcome).toBe('rolled-back');
  });

  it('pauses when it is inconclusive too often, but waits for values during the grace', () => {
    const rollout = new Fed({ ...canary, budgets: { inconclusive: 1 }, grace: '5m' });
    for (let i = 0; i < 5; i++) rollout.look(1, 'inconclusive', { cause: 'no-data' });
    expect(rollout.state.paused).toBeUndefined();
    rollout.look(5 * minute, 'inconclusive', { cause: 'no-data' });
    expect(rollout.state.paused).toBeUndefined();
    expect(rollout.look(1, 'inconclusive', { cause: 'no-data' }).state.paused?.reason).toContain('2 times in a row');
  });

  it('asks somebody when a step takes too long, and gives it that long again when told to go on', () => {
    const rollout = new Fed({ ...canary, maxHold: '1h' }).look(70 * minute - 1, 'inconclusive');
    expect(rollout.state.paused).toBeUndefined();
    rollout.look(1, 'inconclusive');
    expect(rollout.state.paused?.reason).toContain('longest time');
    rollout.after(300 * minute, { type: 'resume', reason: 'more traffic comes' }).look(59 * minute, 'inconclusive');
    expect(rollout.state.paused).toBeUndefined();
    expect(rollout.look(minute, 'inconclusive').state.paused).toBeDefined();
  });

  it('stands still while paused, watches on, and goes on with the time that was left', () => {
    const rollout = new Fed(canary).look(9 * minute).after(0, { type: 'pause', by: 'ada', reason: 'lunch' }).look(60 * minute);
    expect(rollout.weight).toBe(0.05);
    rollout.after(0, { type: 'resume', reason: 'back' });
    expect(rollout.look(minute - 1).weight).toBe(0.05);
    expect(rollout.look(1).weight).toBe(0.25);
    expect(rollout.after(0, { type: 'pause', reason: 'again' }).look(1, 'failed').state.outcome).toBe('rolled-back');
  });

  it('pauses for arms without their shares, once', () => {
    const rollout = new Fed(canary);
    const skewed: RolloutInput = {
      type: 'look',
      verdicts: [{ guardrail: only, status: 'success', reason: '' }, { guardrail: 'sample_ratio', status: 'inconclusive', cause: 'sample-ratio', reason: 'skewed' }],
      samples: { candidate: 1000, control: 1000 },
    };
    expect(rollout.after(1, skewed).state.paused?.reason).toBe('skewed');
    rollout.after(1, { type: 'resume', reason: 'known: robots' }).after(10 * minute, skewed);
    expect(rollout.state.paused).toBeUndefined();
    expect(rollout.weight).toBe(0.25);
  });

  it('is promoted, refused, paused and tried again', () => {
    const rollout = new Fed(canary).after(1, { type: 'promote', by: 'ada', reason: 'sure', force: false });
    expect(rollout.state).toMatchObject({ phase: 'promoting', promotion: { by: 'ada' } });
    expect(rollout.after(1, { type: 'refused', reason: 'auc is low' }).state.paused?.reason).toBe('auc is low');
    expect(rollout.after(1, { type: 'resume', reason: 'mended' }).state.paused).toBeUndefined();
    expect(rollout.actions.filter((action) => action === 'promote')).toHaveLength(2);
  });

  it('goes back by the registry when it may have been promoted', () => {
    const rollout = new Fed(canary).after(1, { type: 'promote', reason: 'sure', force: false }).after(1, { type: 'abort', by: 'bo', reason: 'not sure' });
    expect(rollout.state).toMatchObject({ phase: 'restoring', ending: { outcome: 'aborted', by: 'bo' } });
    expect(trafficOf(rollout.state)).toEqual({ stable: 1 });
    expect(rollout.after(1, { type: 'restored' }).state).toMatchObject({ phase: 'ended', outcome: 'aborted', why: 'not sure' });
  });

  it('leaves what was decided by hand', () => {
    const rollout = new Fed(canary).after(1, { type: 'superseded', production: 7 });
    expect(rollout.state).toMatchObject({ phase: 'ended', outcome: 'aborted' });
    expect(rollout.state.why).toContain('Version 7 is in production');
  });
});

describe('the other strategies', () => {
  it('blue-green copies requests, promotes at once, and keeps the version before to go back to', () => {
    const rollout = new Fed({ strategy: 'blue-green', shadow: { share: 20, hold: '10m' }, keep: '30m', ...guarded });
    expect(trafficOf(rollout.state).candidate).toMatchObject({ weight: 0, controlWeight: 0, shadow: 0.2 });
    expect(rollout.look(10 * minute).state.phase).toBe('promoting');
    rollout.after(1, { type: 'promoted' });
    expect(rollout.state.phase).toBe('keep');
    expect(trafficOf(rollout.state)).toMatchObject({ stable: 1, candidate: { version: 2, weight: 1 } });
    rollout.look(minute, 'failed');
    expect(rollout.state.phase).toBe('restoring');
    expect(trafficOf(rollout.state)).toEqual({ stable: 1 });
    expect(rollout.after(1, { type: 'restored' }).state.outcome).toBe('rolled-back');
    const good = new Fed({ strategy: 'blue-green', keep: '30m' }).look(10 * minute).after(1, { type: 'promoted' }).look(30 * minute);
    expect(good.state).toMatchObject({ phase: 'ended', outcome: 'promoted' });
  });

  it('all at once is promoted as soon as it is started', () => {
    const rollout = new Fed({ strategy: 'all-at-once' });
    expect(rollout.state.phase).toBe('promoting');
    expect(trafficOf(rollout.state).candidate).toMatchObject({ weight: 0, shadow: 0 });
    expect(rollout.after(1, { type: 'promoted' }).state.outcome).toBe('promoted');
  });
});

describe('any rollout', () => {
  const verdict = fc.record({ guardrail: fc.constant(only), status: fc.constantFrom<GuardrailStatus>('success', 'success', 'success', 'success', 'inconclusive', 'error', 'failed'), reason: fc.constant('so') });
  const input = fc.oneof(
    { weight: 8, arbitrary: fc.record({ type: fc.constant('look' as const), verdicts: fc.tuple(verdict), samples: fc.record({ candidate: fc.nat(400), control: fc.nat(400) }) }) },
    fc.record({ type: fc.constantFrom('pause' as const, 'resume' as const, 'abort' as const), reason: fc.constant('why') }),
    fc.record({ type: fc.constant('promote' as const), reason: fc.constant('why'), force: fc.boolean() }),
    fc.constantFrom<RolloutInput>({ type: 'promoted' }, { type: 'refused', reason: 'gates' }, { type: 'restored' }),
  );
  const inputs = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 * minute }), input), { maxLength: 40 });
  const options = fc.constantFrom<Omit<RolloutOptions, 'candidate'>>(
    { ...guarded },
    { ...guarded, shadow: true, keep: '10m', budgets: { failed: 1, inconclusive: 3 } },
    { strategy: 'blue-green', ...guarded },
    { steps: [{ weight: 10, hold: '1h' }, { weight: 60, hold: '1h' }], maxHold: '30m', onError: 'roll-back', ...guarded },
  );

  it('never takes requests away from a candidate that goes on, and gives none to one that ended without it', () => {
    fc.assert(
      fc.property(options, inputs, (given, sequence) => {
        const rollout = new Fed(given);
        let weight = rollout.weight!;
        for (const [ms, each] of sequence) {
          const before = rollout.state;
          rollout.after(ms, each);
          if (before.phase === 'ended') expect(rollout.state).toBe(before);
          if (rollout.weight !== undefined) {
            expect(rollout.weight).toBeGreaterThanOrEqual(weight);
            weight = rollout.weight;
          } else expect(['ended', 'restoring']).toContain(rollout.state.phase);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('tells of each thing that is to be done once: it ends once, and is promoted once unless that was refused', () => {
    fc.assert(
      fc.property(options, inputs, (given, sequence) => {
        const rollout = new Fed(given);
        for (const [ms, each] of sequence) rollout.after(ms, each);
        const count = (action: RolloutAction): number => rollout.actions.filter((each) => each === action).length;
        expect(count('end')).toBe(rollout.state.phase === 'ended' ? 1 : 0);
        expect(count('restore')).toBeLessThanOrEqual(1);
        expect(count('promote')).toBeLessThanOrEqual(1 + sequence.filter(([, { type }]) => type === 'refused').length);
      }),
      { numRuns: 300 },
    );
  });

  it('comes to the same state when its changes alone are replayed', () => {
    fc.assert(
      fc.property(options, inputs, (given, sequence) => {
        const rollout = new Fed(given);
        const changes: { readonly at: number; readonly input: RolloutInput }[] = [];
        for (const [ms, each] of sequence) {
          const before = rollout.state;
          rollout.after(ms, each);
          if (rollout.state !== before) changes.push({ at: rollout.now, input: JSON.parse(JSON.stringify(each)) as RolloutInput });
        }
        const replayed = changes.reduce((state, { at, input: change }) => reduceRollout(state, change, at)[0], new Fed(given).state);
        expect(replayed).toEqual(rollout.state);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a plan', () => {
  it.each<[string, object, string]>([
    ['unknown options', { candidate: 2, speed: 1 }, 'unknown options: speed'],
    ['no candidate', {}, 'options.candidate is missing'],
    ['shares that shrink', { candidate: 2, steps: [{ weight: 50 }, { weight: 20 }] }, 'options.steps[1].weight'],
    ['a share of nothing', { candidate: 2, steps: [{ weight: 0 }] }, 'options.steps[0].weight'],
    ['steps of what has none', { candidate: 2, strategy: 'all-at-once', steps: [{ weight: 50 }] }, 'options.steps'],
    ['a guardrail without a bound', { candidate: 2, guardrails: [{ metric: 'error_rate' }] }, 'options.guardrails[0] has no bound'],
    ['a guardrail twice', { candidate: 2, guardrails: [{ metric: 'error_rate', max: 0.1 }, { metric: 'error_rate', max: 0.1 }] }, 'already'],
    ['a latency that is none', { candidate: 2, guardrails: [{ metric: 'latency_mean', max: 5 }] }, 'latency_p99'],
    ['a ratio that asks for better', { candidate: 2, guardrails: [{ metric: 'latency_p99', notWorseThan: 'stable', ratio: 0.9 }] }, 'at least 1'],
    ['a least error rate', { candidate: 2, guardrails: [{ metric: 'error_rate', min: 0.1 }] }, 'less is better'],
    ['what would never be looked at', { candidate: 2, strategy: 'all-at-once', guardrails: [{ metric: 'error_rate', max: 0.1 }] }, 'never be looked at'],
    ['nothing to compare with', { candidate: 2, strategy: 'all-at-once', keep: '1h', guardrails: [{ metric: 'error_rate', notWorseThan: 'stable' }] }, 'requests to compare with'],
    ['looks without a pause', { candidate: 2, every: 1 }, 'options.every'],
    ['a chance of a false alarm that is nothing beside 1', { candidate: 2, alpha: 1e-18 }, 'options.alpha'],
    ['no duration', { candidate: 2, maxHold: 'soon' }, 'options.maxHold'],
  ])('refuses %s', (_what, options, message) => {
    expect(() => planRollout(options as RolloutOptions)).toThrow(message);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { moveToStage, rollBackTo, stageOf, stages, type Stage, type StageMove, type StageState } from '../../src/registry/stages.ts';

/** What a rollback does that names no version. */
function rollBack(state: StageState): StageMove | undefined {
  const version = state.previous.at(-1);
  return version === undefined ? undefined : rollBackTo(state, version);
}

const empty: StageState = { archived: new Uint8Array(0), previous: [] };
const versions = 6;

type Command = { readonly move: number; readonly to: Stage } | 'rollback';

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ move: fc.integer({ min: 1, max: versions }), to: fc.constantFrom(...stages) }) },
  { weight: 3, arbitrary: fc.record({ move: fc.integer({ min: 1, max: versions }), to: fc.constant('production' as const) }) },
  { weight: 2, arbitrary: fc.constant('rollback' as const) },
);

function apply(state: StageState, step: Command): StageMove | undefined {
  return step === 'rollback' ? rollBack(state) : moveToStage(state, step.move, step.to);
}

function replay(steps: readonly Command[], visit?: (before: StageState, step: Command, move: StageMove | undefined) => void): StageState {
  let state = empty;
  for (const step of steps) {
    const move = apply(state, step);
    visit?.(state, step, move);
    state = move?.state ?? state;
  }
  return state;
}

const stageMap = (state: StageState): Stage[] => Array.from({ length: versions }, (_, i) => stageOf(state, i + 1));

describe('stages', () => {
  it('hold at most one version each, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (steps) => {
        replay(steps, (before, _step, move) => {
          const map = stageMap(move?.state ?? before);
          for (const stage of ['production', 'staging'] as const) expect(map.filter((each) => each === stage).length).toBeLessThanOrEqual(1);
        });
      }),
    );
  });

  it('change for the version that is moved and the one that it replaces, and for no other', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (steps) => {
        replay(steps, (before, _step, move) => {
          if (!move) return;
          const [old, now] = [stageMap(before), stageMap(move.state)];
          old.forEach((stage, i) => {
            const expected = i + 1 === move.version ? move.to : i + 1 === move.replaced ? 'archived' : stage;
            expect(now[i]).toBe(expected);
          });
          expect(old[move.version - 1]).toBe(move.from);
          expect(move.replaced === undefined ? undefined : old[move.replaced - 1]).toBe(move.replaced === undefined ? undefined : move.to);
        });
      }),
    );
  });

  it('never leave production empty by promoting into it or rolling back', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (steps) => {
        replay(steps, (before, step, move) => {
          if (step === 'rollback' ? move !== undefined : step.to === 'production') expect((move?.state ?? before).production).toBeDefined();
        });
      }),
    );
  });

  it('do not change a state that was given', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 30 }), (steps) => {
        replay(steps, (before, step) => {
          const copy = structuredClone(before);
          apply(before, step);
          expect(before).toEqual(copy);
        });
      }),
    );
  });
});

/**
 * What rollback means, told once more and differently: the reigns over production in order, each still good, undone or withdrawn. Rolling back undoes the present
 * reign and resumes the last good one before it.
 */
class Reigns {
  readonly #all: { version: number; fate: 'good' | 'undone' | 'withdrawn' }[] = [];
  #present: number | undefined;

  get production(): number | undefined {
    return this.#present === undefined ? undefined : this.#all[this.#present]!.version;
  }

  apply(step: Command): boolean {
    if (step === 'rollback') {
      const target = this.#lastGood();
      if (target === undefined) return false;
      if (this.#present !== undefined) this.#all[this.#present]!.fate = 'undone';
      this.#present = target;
      return true;
    }
    if (step.to === 'production') {
      if (this.production === step.move) return false;
      const last = this.#lastGood();
      if (this.#present === undefined && last !== undefined && this.#all[last]!.version === step.move) this.#present = last;
      else this.#present = this.#all.push({ version: step.move, fate: 'good' }) - 1;
      return true;
    }
    if (this.production === step.move) {
      this.#all[this.#present!]!.fate = 'withdrawn';
      this.#present = undefined;
    }
    return true;
  }

  #lastGood(): number | undefined {
    for (let i = (this.#present ?? this.#all.length) - 1; i >= 0; i--) if (this.#all[i]!.fate === 'good') return i;
    return undefined;
  }
}

describe('rollback', () => {
  it('resumes the last good reign, in every sequence of promotions, withdrawals and rollbacks', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 100 }), (steps) => {
        const reigns = new Reigns();
        replay(steps, (before, step, move) => {
          const possible = reigns.apply(step);
          if (step === 'rollback') expect(move !== undefined).toBe(possible);
          expect((move?.state ?? before).production).toBe(reigns.production);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('undoes a promotion exactly: production, and what lies behind it', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), fc.integer({ min: 1, max: versions }), (steps, version) => {
        const before = replay(steps);
        fc.pre(before.production !== undefined && before.production !== version);
        const after = rollBack(moveToStage(before, version, 'production')!.state)!;
        expect([after.version, after.replaced]).toEqual([before.production, version]);
        expect(after.state.previous).toEqual(before.previous);
      }),
    );
  });

  it('remembers a hundred steps and no more', () => {
    let state = empty;
    for (let version = 1; version <= 150; version++) state = moveToStage(state, version, 'production')!.state;
    const seen: number[] = [];
    for (let move = rollBack(state); move; move = rollBack(state)) {
      state = move.state;
      seen.push(move.version);
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => 149 - i));
  });
});

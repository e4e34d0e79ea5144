import type { Arm, ServedOutcome } from '../prediction.ts';
import type { RolloutState } from './rollout-state.ts';
import { StageCounts, wantedMetrics, type StoredStageCounts, type WantedMetrics } from './stage-counts.ts';

/** What is counted now. */
interface Counting {
  readonly rollout: string;
  readonly kind: 'shadow' | 'step' | 'keep';
  readonly candidate: number;
  readonly stable: number;
  readonly wanted: WantedMetrics;
  readonly counts: StageCounts;
}

/** Counts in this process what requests came to, for the guardrails of the rollout that goes on. All that a request touches is synchronous, and takes the same time however much was counted. */
export class RolloutCounter {
  #counting: Counting | undefined;
  #rollout: string | undefined;
  readonly #stages = new Map<number, StageCounts>();

  /** Counts for the stage of a rollout from now on; for none, when it goes on no more. */
  follow(state: RolloutState | undefined): void {
    if (state?.id !== this.#rollout) this.#stages.clear();
    this.#rollout = state?.id;
    const stage = state?.plan.stages[state.stage];
    // While it is being promoted requests still go as in its last stage, but nothing is judged any more.
    if (state === undefined || stage === undefined || state.phase !== stage.kind) {
      this.#counting = undefined;
      return;
    }
    if (this.#counting?.rollout === state.id && this.#counting.counts.stage === state.stage) return;
    const counts = this.#stages.get(state.stage) ?? new StageCounts(state.stage);
    this.#stages.set(state.stage, counts);
    const { id, candidate, stable, plan } = state;
    this.#counting = { rollout: id, kind: stage.kind, candidate, stable, wanted: wantedMetrics(plan.guardrails), counts };
  }

  /** Counts what a request came to, where it was left to chance which version it came to. */
  count(outcome: ServedOutcome): void {
    if (this.#counting === undefined) return;
    const arm = armOf(outcome, this.#counting);
    if (arm !== undefined) this.#counting.counts.add(arm, outcome);
  }

  /** Counts what was found out about an answer. */
  measure({ version, arm: as }: { readonly version: number; readonly arm: Arm }, metrics: Readonly<Record<string, number>>): void {
    if (this.#counting === undefined) return;
    const { kind, candidate, stable, wanted, counts } = this.#counting;
    if (version === candidate && (kind === 'keep' || (kind === 'step' && as === 'candidate'))) counts.measure('candidate', metrics, wanted);
    else if (version === stable && kind === 'step' && as === 'control') counts.measure('control', metrics, wanted);
  }

  /** What was counted since it was stored last, by stages; it counts as stored. `failed` takes that back. */
  take(): { readonly rollout: string; readonly counts: readonly StoredStageCounts[]; readonly failed: () => void } | undefined {
    const changed = [...this.#stages.values()].filter((counts) => counts.changed);
    if (this.#rollout === undefined || changed.length === 0) return undefined;
    for (const counts of changed) counts.changed = false;
    return { rollout: this.#rollout, counts: changed.map((counts) => counts.stored()), failed: () => changed.forEach((counts) => (counts.changed = true)) };
  }
}

/** As which arm a request is compared, if it is. What somebody chose a version for, or what answered in the place of another, is no fair sample of either. */
function armOf({ version, arm, reason, shadow }: ServedOutcome, { kind, candidate, stable }: Counting): 'candidate' | 'control' | undefined {
  if (kind === 'shadow') {
    if (shadow) return version === candidate ? 'candidate' : undefined;
    return version === stable && reason !== 'override' && reason !== 'fallback' ? 'control' : undefined;
  }
  if (shadow || reason === 'override' || reason === 'fallback') return undefined;
  if (kind === 'keep') return version === candidate ? 'candidate' : undefined;
  if (arm === 'candidate' && version === candidate) return 'candidate';
  return arm === 'control' && version === stable ? 'control' : undefined;
}

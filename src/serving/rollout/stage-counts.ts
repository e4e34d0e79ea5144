import type { ServedOutcome } from '../prediction.ts';
import { ArmCounts, type StoredArm } from './arm-counts.ts';
import type { StageEvidence } from './judge-guardrail.ts';
import type { PlannedGuardrail } from './guardrail.ts';

/** What a process counted in a stage of a rollout, as it is stored: its whole count, so that writing it again changes nothing. */
export interface StoredStageCounts {
  readonly stage: number;
  readonly candidate: StoredArm;
  readonly control: StoredArm;
}

// Keys beyond so many are not counted for their shares, which so many show well enough.
const mostKeys = 50_000;

/** Counts of a stage in this process. */
export class StageCounts {
  readonly stage: number;
  readonly candidate: ArmCounts = new ArmCounts();
  readonly control: ArmCounts = new ArmCounts();
  /** Whether something was counted since it was stored last. */
  changed = false;
  readonly #keys = new Set<string>();

  constructor(stage: number) {
    this.stage = stage;
  }

  /** Counts a request of an arm. */
  add(arm: 'candidate' | 'control', { key, latencyMs, error, cached }: Pick<ServedOutcome, 'key' | 'latencyMs' | 'error' | 'cached'>): void {
    this[arm].add(latencyMs, error !== undefined, this.#isNew(key), cached);
    this.changed = true;
  }

  /** Counts values of metrics, of those that are wanted. */
  measure(arm: 'candidate' | 'control', metrics: Readonly<Record<string, number>>, wanted: WantedMetrics): void {
    for (const [name, { proportion }] of wanted) {
      const value = Object.hasOwn(metrics, name) ? metrics[name] : undefined;
      if (value === undefined || !Number.isFinite(value) || (proportion && value !== 0 && value !== 1)) continue;
      this[arm].measure(name, value);
      this.changed = true;
    }
  }

  stored(): StoredStageCounts {
    return { stage: this.stage, candidate: this.candidate.stored(), control: this.control.stored() };
  }

  #isNew(key: string | undefined): boolean {
    if (key === undefined) return true;
    if (this.#keys.size >= mostKeys || this.#keys.has(key)) return false;
    this.#keys.add(key);
    return true;
  }
}

/** The counts of some stages by all processes, together. */
export function evidenceOf(counts: readonly StoredStageCounts[], stages: readonly number[]): StageEvidence {
  const wanted = counts.filter(({ stage }) => stages.includes(stage));
  const [candidate, control] = [new ArmCounts(), new ArmCounts()];
  for (const each of wanted) {
    candidate.merge(each.candidate);
    control.merge(each.control);
  }
  const writers = Math.max(0, ...stages.map((stage) => wanted.filter((each) => each.stage === stage).length));
  return { candidate, control, writers };
}

/** The metrics of one's own that guardrails ask for, and whether all take zeros and ones only. */
export type WantedMetrics = ReadonlyMap<string, { readonly proportion: boolean }>;

/** The metrics of one's own that guardrails ask for. */
export function wantedMetrics(guardrails: readonly PlannedGuardrail[]): WantedMetrics {
  const metrics = guardrails.flatMap((guardrail) => (guardrail.kind !== 'check' && guardrail.metric.kind === 'values' ? [guardrail.metric] : []));
  return new Map(metrics.map(({ name }) => [name, { proportion: metrics.some((each) => each.name === name && each.proportion) }]));
}

import type { Stage } from './stages.ts';

/** What one gate found. */
export interface GateResult {
  /** The kind of gate: `metric`, `integrity`, `custom`. */
  readonly gate: string;
  /** Which one, such as `metric auc`. */
  readonly name: string;
  /** Whether the version may enter, as far as this gate is concerned. */
  readonly passed: boolean;
  /** Why, in words. */
  readonly reason: string;
  /** The facts behind it: numbers, ids of evaluations, the version compared with. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What all gates before a stage found, one line a gate. */
export interface GateReport {
  /** Name of the model. */
  readonly model: string;
  /** Number of the version that was asked about. */
  readonly version: number;
  /** Where it wants to go. */
  readonly stage: Stage;
  /** Whether every gate passed; without gates it did. */
  readonly passed: boolean;
  /** What each gate found, in the order of the policy. */
  readonly gates: readonly GateResult[];
}

import type { Stage } from './stages.ts';

/** What one gate found. */
export interface GateResult {
  /** The kind of gate: `metric`, `integrity`, `custom`. */
  readonly gate: string;
  /** Which one, such as `metric auc`. */
  readonly name: string;
  readonly passed: boolean;
  /** Why, in words. */
  readonly reason: string;
  /** The facts behind it: numbers, ids of evaluations, the version compared with. */
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** What all gates before a stage found, one line a gate. */
export interface GateReport {
  readonly model: string;
  readonly version: number;
  readonly stage: Stage;
  /** Whether every gate passed; without gates it did. */
  readonly passed: boolean;
  readonly gates: readonly GateResult[];
}

import type { AuditEvent, NewAuditEvent } from '../core/audit.ts';
import type { Digest } from '../core/digest.ts';
import type { DatasetRef } from './evaluation.ts';
import type { GateReport } from './gate-report.ts';
import type { Policy } from './gates.ts';
import type { Stage } from './stages.ts';

/** What the events of a model's history tell, by their type. */
export interface RegistryEventData {
  'model-created': { readonly model: string };
  'version-registered': { readonly version: number; readonly digest: Digest; readonly run?: string | undefined; readonly dataset?: DatasetRef | undefined };
  'evaluation-recorded': {
    readonly version: number;
    readonly evaluation: string;
    readonly dataset: DatasetRef;
    readonly metrics: Readonly<Record<string, number>>;
  };
  'policy-changed': { readonly from: Policy; readonly to: Policy };
  'stage-changed': StageChangeData & {
    /** Whether failed gates were overridden. */
    readonly forced: boolean;
    /** What the gates found; absent for stages without gates. */
    readonly gates?: GateReport | undefined;
  };
  'rolled-back': StageChangeData;
}

/** How a version changed its stage. */
export interface StageChangeData {
  readonly version: number;
  readonly from: Stage;
  readonly to: Stage;
  /** The version that had to leave the stage and is archived now. */
  readonly replaced?: number | undefined;
}

/** One change in the life of a model: who, when, what, why, and on what evidence. */
export type RegistryEvent = { [T in keyof RegistryEventData]: AuditEvent<T, RegistryEventData[T]> }[keyof RegistryEventData];

/** An event before it is written. */
export type NewRegistryEvent = { [T in keyof RegistryEventData]: NewAuditEvent<T, RegistryEventData[T]> }[keyof RegistryEventData];

import type { AuditEvent, NewAuditEvent } from '../core/audit.ts';
import type { Digest } from '../core/digest.ts';
import type { DatasetRef } from './evaluation.ts';
import type { GateReport } from './gate-report.ts';
import type { Policy } from './gates.ts';
import type { Stage } from './stages.ts';

/** What the events of a model's history tell, by their type. */
export interface RegistryEventData {
  /** The model was created. */
  readonly 'model-created': ModelCreated;
  /** A version was registered. */
  readonly 'version-registered': VersionRegistered;
  /** A version was evaluated. */
  readonly 'evaluation-recorded': EvaluationRecorded;
  /** The gates were changed. */
  readonly 'policy-changed': PolicyChanged;
  /** A version was moved by name. */
  readonly 'stage-changed': StageChanged;
  /** The previous version came back to production. */
  readonly 'rolled-back': StageMoved;
}

/** That a model was created. */
export interface ModelCreated {
  /** Name of the model. */
  readonly model: string;
}

/** That a version was registered. */
export interface VersionRegistered {
  /** Its number. */
  readonly version: number;
  /** Identity of its contents. */
  readonly digest: Digest;
  /** Id of the run that made it. */
  readonly run?: string | undefined;
  /** The dataset behind it. */
  readonly dataset?: DatasetRef | undefined;
}

/** That a version was evaluated. */
export interface EvaluationRecorded {
  /** Its number. */
  readonly version: number;
  /** Id of the evaluation. */
  readonly evaluation: string;
  /** What it was measured on. */
  readonly dataset: DatasetRef;
  /** What was measured: numbers by name. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** That the gates were changed. */
export interface PolicyChanged {
  /** The gates before. */
  readonly from: Policy;
  /** The gates since. */
  readonly to: Policy;
}

/** That a version changed its stage. */
export interface StageMoved {
  /** Its number. */
  readonly version: number;
  /** Where it stood. */
  readonly from: Stage;
  /** Where it stands since. */
  readonly to: Stage;
  /** The version that had to leave the stage and was archived. */
  readonly replaced?: number | undefined;
}

/** That a version was moved by name, past its gates or over them. */
export interface StageChanged extends StageMoved {
  /** Whether failed gates were overridden. */
  readonly forced: boolean;
  /** What the gates found; absent for stages without gates. */
  readonly gates?: GateReport | undefined;
}

/** One change in the life of a model: who, when, what, why, and on what evidence. */
export type RegistryEvent = { [T in keyof RegistryEventData]: AuditEvent<T, RegistryEventData[T]> }[keyof RegistryEventData];

/** An event before it is written. */
export type NewRegistryEvent = { [T in keyof RegistryEventData]: NewAuditEvent<T, RegistryEventData[T]> }[keyof RegistryEventData];

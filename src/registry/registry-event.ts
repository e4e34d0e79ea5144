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
  /** What is told of the model was changed. */
  readonly 'model-updated': ModelUpdated;
  /** The model was deleted, with all its versions. */
  readonly 'model-deleted': ModelDeleted;
  /** An alias points at another version. */
  readonly 'alias-set': AliasSet;
  /** An alias was taken away. */
  readonly 'alias-deleted': AliasDeleted;
  /** A version was registered. */
  readonly 'version-registered': VersionRegistered;
  /** What is told of a version was changed. */
  readonly 'version-updated': VersionUpdated;
  /** A version was taken out of use. */
  readonly 'version-retired': VersionNamed;
  /** A retired version came back into use. */
  readonly 'version-reinstated': VersionNamed;
  /** A version was deleted. */
  readonly 'version-deleted': VersionDeleted;
  /** Someone vouched for a version. */
  readonly 'version-approved': VersionApproved;
  /** Someone took back that they vouched for a version. */
  readonly 'approval-withdrawn': VersionApproved;
  /** A version was signed. */
  readonly 'version-signed': VersionSigned;
  /** A version was evaluated. */
  readonly 'evaluation-recorded': EvaluationRecorded;
  /** The gates were changed. */
  readonly 'policy-changed': PolicyChanged;
  /** A version was moved by name. */
  readonly 'stage-changed': StageChanged;
  /** Gates refused to let a version into a stage. */
  readonly 'promotion-refused': PromotionRefused;
  /** The previous version came back to production. */
  readonly 'rolled-back': StageMoved;
}

/** That a model was created. */
export interface ModelCreated {
  /** Name of the model. */
  readonly model: string;
}

/** What is told of a model. */
export interface ToldOfModel {
  /** What the model tells, for people. */
  readonly description?: string | undefined;
  /** Who answers for it. */
  readonly owner?: string | undefined;
  /** Texts by name. */
  readonly tags: Readonly<Record<string, string>>;
}

/** That what is told of a model was changed. */
export interface ModelUpdated {
  /** What was told before. */
  readonly from: ToldOfModel;
  /** What is told since. */
  readonly to: ToldOfModel;
}

/** That a model was deleted. */
export interface ModelDeleted {
  /** Name of the model. */
  readonly model: string;
  /** How many versions had been registered. */
  readonly versions: number;
}

/** That an alias points at another version. */
export interface AliasSet {
  /** The alias. */
  readonly alias: string;
  /** Where it pointed before; absent when it is new. */
  readonly from?: number | undefined;
  /** Where it points since. */
  readonly to: number;
}

/** That an alias was taken away. */
export interface AliasDeleted {
  /** The alias. */
  readonly alias: string;
  /** Where it pointed. */
  readonly from: number;
}

/** What is told of a version. */
export interface ToldOfVersion {
  /** What is new in it, for people. */
  readonly description?: string | undefined;
  /** Texts by name. */
  readonly tags: Readonly<Record<string, string>>;
}

/** That what is told of a version was changed. */
export interface VersionUpdated {
  /** Its number. */
  readonly version: number;
  /** What was told before. */
  readonly from: ToldOfVersion;
  /** What is told since. */
  readonly to: ToldOfVersion;
}

/** That something happened to a version. */
export interface VersionNamed {
  /** Its number. */
  readonly version: number;
}

/** That a version was deleted. */
export interface VersionDeleted extends VersionNamed {
  /** Identity of what its contents were. */
  readonly digest: Digest;
}

/** That someone vouched for a version, or no longer does. */
export interface VersionApproved extends VersionNamed {
  /** Id of the approval, or of its withdrawal. */
  readonly approval: string;
}

/** That a version was signed. */
export interface VersionSigned extends VersionNamed {
  /** Id of the signature. */
  readonly signature: string;
  /** Identity of the contents that were signed. */
  readonly digest: Digest;
  /** SHA-256 of the PEM of the key that the signature claims to be made with, in hexadecimal. */
  readonly keyHint?: string | undefined;
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

/** That gates refused to let a version into a stage, where it would have been promoted: nothing changed. */
export interface PromotionRefused extends VersionNamed {
  /** Where it stood, and stands. */
  readonly from: Stage;
  /** Where it was to go. */
  readonly to: Stage;
  /** What the gates found. */
  readonly gates: GateReport;
}

/** One change in the life of a model, or one that was refused: who, when, what, why, and on what evidence. */
export type RegistryEvent = { [T in keyof RegistryEventData]: AuditEvent<T, RegistryEventData[T]> }[keyof RegistryEventData];

/** An event before it is written. */
export type NewRegistryEvent = { [T in keyof RegistryEventData]: NewAuditEvent<T, RegistryEventData[T]> }[keyof RegistryEventData];

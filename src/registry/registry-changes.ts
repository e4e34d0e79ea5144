import type { ModelFile } from '../core/model-manifest.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { DatasetRef, DriftEvidence, Evaluation, Slices, StoredPredictions } from './evaluation.ts';
import type { Policy } from './gates.ts';
import type { Actor, ModelTexts, Reasoned } from './model-decisions.ts';
import type { ModelInfo } from './model-info.ts';
import type { ModelVersion } from './model-version.ts';
import type { SignatureBundle } from './signing/sign-manifest.ts';
import type { VersionSignature } from './signing/version-signature.ts';
import type { Stage } from './stages.ts';
import type { VersionTexts } from './version-decisions.ts';
import type { VersionFacts } from './version-facts.ts';

/** What each change is given: plain data that was checked, so that it can be made here or sent to the process that guards the models. */
export interface RegistryChangeInputs {
  readonly createModel: {
    readonly model: string;
    readonly description?: string | undefined;
    readonly owner?: string | undefined;
    readonly tags: Readonly<Record<string, string>>;
    readonly by?: string | undefined;
  };
  readonly updateModel: { readonly model: string } & ModelTexts & Pick<Actor, 'by'>;
  readonly deleteModel: { readonly model: string } & Reasoned;
  readonly registerVersion: VersionFacts & {
    readonly model: string;
    /** Whether a version with the same contents from the same run is given back in place of a new one. */
    readonly idempotent: boolean;
    /** Files whose contents are stored already. */
    readonly files: readonly ModelFile[];
    readonly metrics: Readonly<Record<string, number>>;
    readonly tags: Readonly<Record<string, string>>;
  };
  readonly updateVersion: { readonly ref: string } & VersionTexts & Pick<Actor, 'by'>;
  readonly deleteVersion: { readonly ref: string } & Reasoned;
  readonly retire: { readonly ref: string } & Reasoned;
  readonly reinstate: { readonly ref: string } & Reasoned;
  readonly setAlias: { readonly model: string; readonly alias: string; readonly version: number } & Actor;
  readonly deleteAlias: { readonly model: string; readonly alias: string } & Actor;
  readonly approve: { readonly ref: string } & Reasoned;
  readonly withdrawApproval: { readonly ref: string } & Reasoned;
  readonly sign: { readonly ref: string; readonly bundle: SignatureBundle } & Reasoned;
  readonly setPolicy: { readonly model: string; readonly policy: Policy } & Actor;
  readonly recordEvaluation: {
    readonly ref: string;
    readonly dataset: DatasetRef;
    readonly metrics: Readonly<Record<string, number>>;
    readonly slices?: Slices | undefined;
    /** Predictions whose table is stored already. */
    readonly predictions?: StoredPredictions | undefined;
    readonly drift?: DriftEvidence | undefined;
    readonly by?: string | undefined;
  };
  readonly promote: {
    readonly ref: string;
    readonly stage: Stage;
    readonly force: boolean;
    /** The version that must be in the stage for it to happen; `null` where none may be, absent for any. */
    readonly from?: number | null | undefined;
  } & Reasoned;
  readonly rollback: { readonly model: string } & RollbackTarget & Reasoned;
}

/** Where a rollback leads. */
export interface RollbackTarget {
  /** The version to go back to; absent for the one before the present one. */
  readonly to?: number | undefined;
  /** The version that must be in production for it to happen; `null` where none may be, absent for any. */
  readonly from?: number | null | undefined;
  /** Whether every file is read whole first, however large. */
  readonly verifyAll: boolean;
}

/** What each change gives. */
export interface RegistryChangeResults {
  readonly createModel: ModelInfo;
  readonly updateModel: ModelInfo;
  readonly deleteModel: null;
  readonly registerVersion: ModelVersion;
  readonly updateVersion: ModelVersion;
  readonly deleteVersion: null;
  readonly retire: ModelVersion;
  readonly reinstate: ModelVersion;
  readonly setAlias: ModelVersion;
  readonly deleteAlias: null;
  readonly approve: ModelVersion;
  readonly withdrawApproval: ModelVersion;
  readonly sign: VersionSignature;
  readonly setPolicy: null;
  readonly recordEvaluation: Evaluation;
  readonly promote: ModelVersion;
  readonly rollback: ModelVersion;
}

/** The name of a change. */
export type RegistryChange = keyof RegistryChangeInputs;

/** Makes the changes of a registry, wherever that happens. */
export type RegistryChanges = {
  readonly [change in RegistryChange]: (input: RegistryChangeInputs[change], options: OperationOptions) => Promise<RegistryChangeResults[change]>;
};

import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import type { Content } from '../core/content.ts';
import { ValidationError } from '../core/errors.ts';
import type { Framework } from '../core/framework.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import { callable, clockOption, having, progressOption, signalOption } from '../core/option-schemas.ts';
import type { LongOperationOptions, OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import type { TableInput } from '../core/table.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { storageOption } from '../storage/storage-option.ts';
import type { GateFunction } from './custom-gate.ts';
import type { DatasetPointer, DriftReport, Slices } from './evaluation.ts';
import type { RegistryChange } from './registry-changes.ts';
import type { RegistryEvent } from './registry-event.ts';
import type { SignatureSource } from './signature/signature-of.ts';
import { stages, type Stage } from './stages.ts';
import { factShapes, type FeatureServiceRef, type VersionDatasetPointer } from './version-facts.ts';

/** What a `Registry` is made with. */
export interface RegistryOptions {
  /** Where models are kept. Several registries, also in several processes, may share one store. */
  readonly storage: StorageAdapter;
  /** The functions behind `gates.custom(name)`, by name. @default none: such gates fail */
  readonly gates?: Readonly<Record<string, GateFunction>> | undefined;
  /**
   * Told of each change that this registry made, when it is stored; their `sequence` tells the order, and nothing waits for it. Behind a server the changes are made
   * there: give `onRegistryEvent` to `createStorageHandler`. @default nobody
   */
  readonly onEvent?: ((event: RegistryEvent) => void | Promise<void>) | undefined;
  /** Told when `onEvent` fails, and of what `models()` and `versions()` cannot read. @default nobody */
  readonly onError?: ErrorListener | undefined;
  /** Told what happens, in the form of pino or console. @default nobody */
  readonly logger?: Logger | undefined;
  /** Source of time. @default the host's */
  readonly clock?: Clock | undefined;
}

/** What a model is created with. */
export interface CreateModelOptions extends OperationOptions {
  /** What the model tells, for people. @default none */
  readonly description?: string | undefined;
  /** Who answers for it. @default none */
  readonly owner?: string | undefined;
  /** Texts by name. @default none */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** Who creates it, for the history. @default not told */
  readonly by?: string | undefined;
}

/** What is told anew of a model. */
export interface UpdateModelOptions extends OperationOptions {
  /** What the model tells, for people; `null` takes it away. @default as it is */
  readonly description?: string | null | undefined;
  /** Who answers for it; `null` takes it away. @default as it is */
  readonly owner?: string | null | undefined;
  /** Texts by name, which are added to those that are there; `null` takes one away. @default as they are */
  readonly tags?: Readonly<Record<string, string | null>> | undefined;
  /** Who changes it, for the history. @default not told */
  readonly by?: string | undefined;
}

/** What is told anew of a version. */
export interface UpdateVersionOptions extends OperationOptions {
  /** What is new in it, for people; `null` takes it away. @default as it is */
  readonly description?: string | null | undefined;
  /** Texts by name, which are added to those that are there; `null` takes one away. @default as they are */
  readonly tags?: Readonly<Record<string, string | null>> | undefined;
  /** Who changes it, for the history. @default not told */
  readonly by?: string | undefined;
}

/** Anything with the id of a run, such as a run itself. */
export interface RunPointer {
  /** Id of the run. */
  readonly id: string;
}

/** What a version is registered with. */
export interface RegisterVersionOptions extends LongOperationOptions {
  /** Contents by path. Paths are relative, with `/` between directories. Equal contents are stored once. */
  readonly files: Readonly<Record<string, Content>>;
  /** The run that made it, or its id. @default none */
  readonly run?: string | RunPointer | undefined;
  /** As measured by its author: numbers by name. With a `dataset`, gates treat them as an evaluation on it. @default none */
  readonly metrics?: Readonly<Record<string, number>> | undefined;
  /** The dataset behind it, by fingerprint. @default none */
  readonly dataset?: DatasetPointer | undefined;
  /** All other datasets that went into it, by fingerprint, with what they were for. @default none */
  readonly datasets?: readonly VersionDatasetPointer[] | undefined;
  /** Id of the pipeline run in which it was made. @default none */
  readonly pipelineRun?: string | undefined;
  /** The feature service whose values it was trained on and expects. @default none */
  readonly features?: FeatureServiceRef | undefined;
  /** What it takes and gives, each as a schema (zod or another Standard JSON Schema), as JSON Schema or as plain data. @default not told */
  readonly signature?: SignatureSource | undefined;
  /** The form of its files, such as `tfjs-layers`, `onnx` or `json`. @default not told */
  readonly flavor?: string | undefined;
  /** Plain data that the flavor keeps. @default none */
  readonly flavorData?: Readonly<Record<string, unknown>> | undefined;
  /** What it was made with. @default not told */
  readonly framework?: Framework | undefined;
  /** An SPDX identifier or expression, such as `Apache-2.0`. @default not told */
  readonly licence?: string | undefined;
  /** Who made it. @default not told */
  readonly createdBy?: string | undefined;
  /** Texts by name. @default none */
  readonly tags?: Readonly<Record<string, string>> | undefined;
  /** What is new in it, for people. @default none */
  readonly description?: string | undefined;
  /**
   * Gives back the newest version of the model that has the same files and comes from the same run, when there is one, in place of registering another: a training job that is
   * started again leaves no double. @default false
   */
  readonly idempotent?: boolean | undefined;
}

/** What someone measured. */
export interface RecordEvaluationOptions extends OperationOptions {
  /** What it was measured on, by fingerprint. */
  readonly dataset: DatasetPointer;
  /** Numbers by name, at least one. NaN and ±Infinity are kept, and pass no gate. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The same of parts of the dataset: numbers by name, by slice, such as `{ 'country=FR': { auc: 0.81 } }`. @default none */
  readonly slices?: Slices | undefined;
  /**
   * What the version said of every example and what was true, as a table with the columns `label` and `prediction` (the score, where a metric needs one), and `id` where rows are to
   * be matched by it rather than by their order. It is stored for `gates.comparison`. @default none
   */
  readonly predictions?: TableInput | undefined;
  /** How far the dataset has drifted from what the version was trained on: what `compareData` returned. @default not told */
  readonly drift?: DriftReport | undefined;
  /** Who measured it. @default not told */
  readonly by?: string | undefined;
}

/** Who sets a policy, and why. */
export interface SetPolicyOptions extends OperationOptions {
  /** Who sets it, for the history. @default not told */
  readonly by?: string | undefined;
  /** Why, for the history. @default not told */
  readonly reason?: string | undefined;
}

/** Who changes something, and why. */
export interface ReasonedOptions extends OperationOptions {
  /** Who does it, for the history. */
  readonly by: string;
  /** Why, for the history. */
  readonly reason: string;
}

/** Who goes back, why, and where to. */
export interface RollbackOptions extends ReasonedOptions {
  /** The number of the version to go back to. It must have been in production before. @default the version that the present one replaced */
  readonly to?: number | undefined;
  /** The number of the version that must be in production for it to happen, `null` where none may be: `ConflictError` when another one is, so that two who go back at once go back once. @default any */
  readonly from?: number | null | undefined;
  /** Reads every file whole before the change, however large, and refuses when one has changed. @default false: as much as is read in a few milliseconds */
  readonly verifyAll?: boolean | undefined;
}

/** Who points an alias elsewhere, and why. */
export interface AliasOptions extends OperationOptions {
  /** Who does it, for the history. @default not told */
  readonly by?: string | undefined;
  /** Why, for the history. @default not told */
  readonly reason?: string | undefined;
}

/** Who moves a version, why, and whether against its gates. */
export interface PromoteOptions extends ReasonedOptions {
  /** Promotes although gates fail; the history keeps that, with the reason and what the gates found. @default false */
  readonly force?: boolean | undefined;
  /**
   * The number of the version that must be in the stage for it to happen, `null` where none may be, as for a first promotion: `ConflictError` when another one is, so that nobody overwrites
   * what they did not know of. Only for `production` and `staging`, which hold one version each. @default any
   */
  readonly from?: number | null | undefined;
}

/** Part of a list. */
export interface PageOptions extends OperationOptions {
  /** At most this many. @default 100 */
  readonly limit?: number | undefined;
  /** The `next` of the page before. @default the first page */
  readonly after?: string | undefined;
}

const text = z.string().check(z.minLength(1));
const texts = z.optional(z.record(z.string(), z.string()));
const metrics = z.record(z.string(), z.custom<number>((value) => typeof value === 'number', 'must be a number'));
const optionalText = z.optional(z.string());

const registrySchema = z.strictObject({
  storage: storageOption,
  gates: z.optional(z.record(z.string(), callable<GateFunction>())),
  onEvent: z.optional(callable<NonNullable<RegistryOptions['onEvent']>>()),
  onError: z.optional(callable<ErrorListener>()),
  logger: z.optional(having<Logger>('error', 'must be a logger, such as console')),
  clock: clockOption,
});
const createShape = { description: optionalText, owner: optionalText, tags: texts, by: optionalText };
const changedText = z.optional(z.nullable(z.string()));
const changedTexts = z.optional(z.record(z.string(), z.nullable(z.string())));
const updateModelShape = { description: changedText, owner: changedText, tags: changedTexts, by: optionalText };
const updateVersionShape = { description: changedText, tags: changedTexts, by: optionalText };
const registerShape = { ...factShapes, metrics: z.optional(metrics), tags: texts, idempotent: z.optional(z.boolean()) };
const policyShape = { by: optionalText, reason: optionalText };
const someMetrics = metrics.check(z.refine((values) => Object.keys(values).length > 0, 'is empty; give at least one'));
const evaluationShape = { metrics: someMetrics, slices: z.optional(z.record(z.string(), someMetrics)), by: optionalText };
const reasonedShape = { by: text, reason: text };
const versionNumber = z.int().check(z.minimum(1), z.maximum(999_999_999));
const incumbent = z.optional(z.nullable(versionNumber));
const rollbackShape = { ...reasonedShape, to: z.optional(versionNumber), from: incumbent, verifyAll: z.optional(z.boolean()) };
const promoteShape = { ...reasonedShape, force: z.optional(z.boolean()), from: incumbent };

const createSchema = z.strictObject({ ...createShape, signal: signalOption });
const registerSchema = z.strictObject({
  ...registerShape,
  files: z.optional(z.unknown()),
  run: z.optional(z.union([text, z.looseObject({ id: text })])),
  dataset: z.optional(z.unknown()),
  datasets: z.optional(z.unknown()),
  signature: z.optional(z.unknown()),
  signal: signalOption,
  onProgress: progressOption,
});
const evaluationSchema = z.strictObject({ ...evaluationShape, dataset: z.optional(z.unknown()), predictions: z.optional(z.unknown()), drift: z.optional(z.unknown()), signal: signalOption });
const policyOptionsSchema = z.strictObject({ ...policyShape, signal: signalOption });
const updateModelSchema = z.strictObject({ ...updateModelShape, signal: signalOption });
const updateVersionSchema = z.strictObject({ ...updateVersionShape, signal: signalOption });
const reasonedSchema = z.strictObject({ ...reasonedShape, signal: signalOption });
const rollbackSchema = z.strictObject({ ...rollbackShape, signal: signalOption });
const promoteSchema = z.strictObject({ ...promoteShape, signal: signalOption });
const pageSchema = z.strictObject({ limit: z.optional(z.int().check(z.minimum(1), z.maximum(1000))), after: optionalText, signal: signalOption });
/** A stage. */
export const stageSchema: z.ZodMiniType<Stage> = z.enum(stages);

/** What each change of a registry takes besides what it changes, without how it is waited for. */
export const changeShapes: Readonly<Record<RegistryChange, z.core.$ZodShape>> = {
  createModel: createShape,
  updateModel: updateModelShape,
  deleteModel: reasonedShape,
  registerVersion: registerShape,
  updateVersion: updateVersionShape,
  deleteVersion: reasonedShape,
  retire: reasonedShape,
  reinstate: reasonedShape,
  setAlias: { ...policyShape, alias: z.string(), version: versionNumber },
  deleteAlias: { ...policyShape, alias: z.string() },
  approve: reasonedShape,
  withdrawApproval: reasonedShape,
  sign: reasonedShape,
  setPolicy: policyShape,
  recordEvaluation: evaluationShape,
  promote: promoteShape,
  rollback: rollbackShape,
};

/** Checks what a registry is made with. */
export function checkRegistryOptions(options: RegistryOptions): RegistryOptions {
  return check(registrySchema, options, 'options');
}

/** Checks the options of `createModel` where they enter. */
export function checkCreateOptions(options: CreateModelOptions): CreateModelOptions {
  return check(createSchema, options, 'options');
}

/** Checks the options of `registerVersion`, but for the files, the datasets and the signature, which are looked at one by one. */
export function checkRegisterOptions(options: RegisterVersionOptions): RegisterVersionOptions {
  return check(registerSchema, options, 'options') as RegisterVersionOptions;
}

/** Checks the options of `recordEvaluation`, but for the dataset, the predictions and the drift. */
export function checkEvaluationOptions(options: RecordEvaluationOptions): RecordEvaluationOptions {
  return check(evaluationSchema, options, 'options') as RecordEvaluationOptions;
}

/** Checks who changes something and why, where both may be left out. */
export function checkActorOptions(options: SetPolicyOptions): SetPolicyOptions {
  return check(policyOptionsSchema, options, 'options');
}

/** Checks who changes something and why. */
export function checkReasonedOptions(options: ReasonedOptions): ReasonedOptions {
  return check(reasonedSchema, options, 'options');
}

/** Checks the options of `updateModel`. */
export function checkUpdateModelOptions(options: UpdateModelOptions): UpdateModelOptions {
  return check(updateModelSchema, options, 'options');
}

/** Checks the options of `updateVersion`. */
export function checkUpdateVersionOptions(options: UpdateVersionOptions): UpdateVersionOptions {
  return check(updateVersionSchema, options, 'options');
}

/** Checks the number of a version. */
export function checkVersionNumber(version: number): number {
  return check(versionNumber, version, 'version');
}

/** Checks the options of `rollback`. */
export function checkRollbackOptions(options: RollbackOptions): RollbackOptions {
  return check(rollbackSchema, options, 'options');
}

/** Checks the options of `promote`. */
export function checkPromoteOptions(options: PromoteOptions, stage: Stage): PromoteOptions {
  const checked = check(promoteSchema, options, 'options');
  checkIncumbent(checked.from, stage, 'options.from');
  return checked;
}

/** Checks that a version is only expected in a stage that holds one. */
export function checkIncumbent(from: number | null | undefined, stage: Stage, path: string): void {
  if (from === undefined || stage === 'production' || stage === 'staging') return;
  throw new ValidationError(`${path}: '${stage}' holds any number of versions, so that none can be expected there; leave it out.`, { path });
}

/** Checks which page is asked for; a page has 100 entries unless told otherwise. */
export function checkPageOptions(options: PageOptions): PageOptions & { readonly limit: number } {
  const checked = check(pageSchema, options, 'options');
  return { ...checked, limit: checked.limit ?? 100 };
}

/** Checks that a text is a stage. */
export function checkStage(stage: Stage): Stage {
  return check(stageSchema, stage, 'stage');
}

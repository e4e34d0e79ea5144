import type { Clock } from '../core/clock.ts';
import { ConflictError, GateError, NotFoundError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { DatasetRef, Evaluation } from './evaluation.ts';
import type { GateReport } from './gate-report.ts';
import type { Policy } from './gates.ts';
import { changeStage, createModel, recordEvaluation, registerVersion, rollBackModel, setPolicy, type Actor } from './model-decisions.ts';
import { manifestDigest, type ModelFile } from './model-files.ts';
import { describeModel, type ModelInfo } from './model-info.ts';
import { parseReference } from './model-name.ts';
import type { ModelState } from './model-state.ts';
import { existing, type ModelDecision, type ModelStore } from './model-store.ts';
import { viewOf, type ModelVersion } from './model-version.ts';
import { runGates, type GateHost } from './run-gates.ts';
import type { Stage } from './stages.ts';
import type { VersionFacts } from './version-facts.ts';

// How often a decision is made anew because others changed the model while it was being made.
const maxDecisions = 20;

/** What each change is given: plain data that was checked, so that it can be made here or sent to the process that guards the models. */
export interface RegistryChangeInputs {
  readonly createModel: {
    readonly model: string;
    readonly description?: string | undefined;
    readonly owner?: string | undefined;
    readonly tags: Readonly<Record<string, string>>;
    readonly by?: string | undefined;
  };
  readonly registerVersion: VersionFacts & {
    readonly model: string;
    /** Files whose contents are stored already. */
    readonly files: readonly ModelFile[];
    readonly metrics: Readonly<Record<string, number>>;
    readonly tags: Readonly<Record<string, string>>;
  };
  readonly setPolicy: { readonly model: string; readonly policy: Policy } & Actor;
  readonly recordEvaluation: {
    readonly ref: string;
    readonly dataset: DatasetRef;
    readonly metrics: Readonly<Record<string, number>>;
    readonly by?: string | undefined;
  };
  readonly promote: { readonly ref: string; readonly stage: Stage; readonly force: boolean } & Required<Actor>;
  readonly rollback: { readonly model: string } & Required<Actor>;
}

/** What each change gives. */
export interface RegistryChangeResults {
  readonly createModel: ModelInfo;
  readonly registerVersion: ModelVersion;
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

/** Makes changes in a store that this process may write. */
export class OwnRegistryChanges implements RegistryChanges {
  readonly #store: ModelStore;
  readonly #clock: Clock;
  readonly #host: GateHost;

  constructor(host: GateHost) {
    this.#store = host.store;
    this.#clock = host.clock;
    this.#host = host;
  }

  async createModel({ by, model, ...rest }: RegistryChangeInputs['createModel'], options: OperationOptions): Promise<ModelInfo> {
    const state = await this.#store.change(
      model,
      (present) => {
        if (present) throw new ConflictError(`Model ${shown(model)} exists already; register versions with registry.registerVersion().`, { key: model, model });
        return createModel({ name: model, ...rest }, { by }, this.#clock.now());
      },
      options,
    );
    return describeModel(existing(state, model));
  }

  async registerVersion({ model, ...contents }: RegistryChangeInputs['registerVersion'], options: OperationOptions): Promise<ModelVersion> {
    // What an earlier crash left is moved first, so that leftovers cannot pile up in the record.
    await this.#store.settle(await this.#store.state(model, options), options);
    const { files } = contents;
    const version = { ...contents, digest: manifestDigest(files), size: files.reduce((sum, file) => sum + file.size, 0), createdAt: this.#clock.now() };
    const state = existing(await this.#store.change(model, (present) => registerVersion(existing(present, model), version), options), model);
    return viewOf(model, { ...version, version: state.lastVersion, revision: state.revision }, state.stages);
  }

  async setPolicy({ model, policy, ...actor }: RegistryChangeInputs['setPolicy'], options: OperationOptions): Promise<null> {
    await this.#store.change(model, (state) => setPolicy(existing(state, model), policy, actor), options);
    return null;
  }

  async recordEvaluation({ ref, dataset, metrics, by }: RegistryChangeInputs['recordEvaluation'], options: OperationOptions): Promise<Evaluation> {
    const reference = parseReference(ref);
    const { model } = reference;
    const { version } = await this.#store.version(reference, await this.#store.state(model, options), options);
    const evaluation = { id: newId(), model, version, dataset, metrics, by, at: this.#clock.now() };
    await this.#store.change(model, (state) => recordEvaluation(existing(state, model), evaluation), options);
    return evaluation;
  }

  async promote({ ref, stage, force, ...actor }: RegistryChangeInputs['promote'], options: OperationOptions): Promise<ModelVersion> {
    const reference = parseReference(ref);
    for (let attempt = 1; attempt <= maxDecisions; attempt++) {
      const seen = await this.#store.state(reference.model, options);
      const record = await this.#store.version(reference, seen, options);
      const before = viewOf(seen.name, record, seen.stages);
      if (before.stage === stage) return before;
      const report = await runGates(this.#host, seen, record, stage, options);
      if (!report.passed && !force) throw refusal(report);
      const state = await this.#changeUnless(
        seen,
        (now) => now.revision !== seen.revision,
        (now) => changeStage(now, record.version, stage, actor, report),
        options,
      );
      if (state) return viewOf(seen.name, record, state.stages);
    }
    throw tooBusy(reference.model);
  }

  async rollback({ model, ...actor }: RegistryChangeInputs['rollback'], options: OperationOptions): Promise<ModelVersion> {
    for (let attempt = 1; attempt <= maxDecisions; attempt++) {
      const seen = await this.#store.state(model, options);
      const target = seen.stages.previous.at(-1);
      if (target === undefined) {
        throw new NotFoundError(`Model ${shown(model)} has no previous version in production to go back to; promote the one you want with registry.promote().`, {
          key: model,
          model,
        });
      }
      // Read before the change: once it is made, nothing may fail that would have the caller roll back again.
      const record = await this.#store.version({ model, selector: { version: target } }, seen, options);
      const state = await this.#changeUnless(seen, (now) => now.stages.previous.at(-1) !== target, (now) => rollBackModel(now, actor), options);
      if (state) return viewOf(model, record, state.stages);
    }
    throw tooBusy(model);
  }

  /** Changes a model, or returns `undefined` with nothing changed when `stale` says that it is not as it was seen any more. */
  async #changeUnless(
    seen: ModelState,
    stale: (now: ModelState) => boolean,
    decide: (now: ModelState) => ModelDecision,
    options: OperationOptions,
  ): Promise<ModelState | undefined> {
    let missed = false;
    const state = await this.#store.change(
      seen.name,
      (present) => {
        const now = existing(present, seen.name);
        missed = stale(now);
        return missed ? undefined : decide(now);
      },
      options,
    );
    return missed ? undefined : state;
  }
}

function tooBusy(model: string): ConflictError {
  return new ConflictError(`${shown(model)} was changed by others while each of ${maxDecisions} decisions was being made; try again when it is less busy.`, { key: model, model });
}

function refusal(report: GateReport): GateError {
  const { model, version, stage, gates } = report;
  const reasons = gates.filter((gate) => !gate.passed).map((gate) => `${gate.name}: ${gate.reason}`);
  return new GateError(`${model}@${version} may not go to ${stage}. ${reasons.join('. ')}. Mend this, or promote with force and a reason.`, { model, version, stage, report });
}

import { ConflictError, GateError, IntegrityError, NotFoundError, isModelkeepError } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { manifestDigest } from '../core/model-manifest.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import type { Evaluation } from './evaluation.ts';
import type { GateReport } from './gate-report.ts';
import { hasMember } from './member-set.ts';
import {
  changeStage,
  contentsOf,
  createModel,
  deleteAlias,
  deleteModel,
  recordEvaluation,
  refusePromotion,
  registerVersion,
  rollBackModel,
  setAlias,
  setPolicy,
  updateModel,
  type Reasoned,
} from './model-decisions.ts';
import { describeModel, type ModelInfo } from './model-info.ts';
import { parseReference, type ModelReference } from './model-name.ts';
import { aliasesOf, type ModelState } from './model-state.ts';
import { existing, numberOf, type ModelDecision, type ModelStore } from './model-store.ts';
import { viewOf, type ModelVersion, type VersionRecord } from './model-version.ts';
import type { RegistryChangeInputs, RegistryChanges } from './registry-changes.ts';
import type { RegistryEvent } from './registry-event.ts';
import { runGates, type GateHost } from './run-gates.ts';
import type { VersionSignature } from './signing/version-signature.ts';
import { hasServed, stageOf, type ExclusiveStage, type Stage } from './stages.ts';
import { verifyFiles } from './verify-files.ts';
import { deleteVersion, recordApproval, recordSignature, reinstateVersion, retireVersion, updateVersion } from './version-decisions.ts';

// How often a decision is made anew because others changed the model while it was being made.
const maxDecisions = 20;
const maxAliases = 1_000;
// What a rollback reads before it is made, so that it takes as long for a large model as for a small one.
const rollbackReadBytes = 8 * 1024 * 1024;

/** What changes are made with. */
export interface ChangesHost extends GateHost {
  /** Told of each change when it is stored. Must not throw. */
  readonly emit?: ((event: RegistryEvent) => void) | undefined;
}

/** Makes changes in a store that this process may write. */
export class OwnRegistryChanges implements RegistryChanges {
  readonly #store: ModelStore;
  readonly #host: ChangesHost;

  constructor(host: ChangesHost) {
    this.#store = host.store;
    this.#host = host;
  }

  async createModel({ by, model, ...rest }: RegistryChangeInputs['createModel'], options: OperationOptions): Promise<ModelInfo> {
    const state = await this.#change(
      model,
      (present) => {
        if (present && present.deletedAt === undefined) {
          throw new ConflictError(`Model ${shown(model)} exists already; register versions with registry.registerVersion().`, { key: model, model });
        }
        return createModel({ name: model, ...rest }, { by }, this.#host.clock.now(), present);
      },
      options,
    );
    return describeModel(existing(state, model));
  }

  async updateModel({ model, by, ...texts }: RegistryChangeInputs['updateModel'], options: OperationOptions): Promise<ModelInfo> {
    return describeModel(existing(await this.#change(model, (state) => updateModel(existing(state, model), texts, { by }), options), model));
  }

  async deleteModel({ model, ...actor }: RegistryChangeInputs['deleteModel'], options: OperationOptions): Promise<null> {
    await this.#change(
      model,
      (present) => {
        const state = existing(present, model);
        for (const stage of ['production', 'staging'] as const) {
          const version = state.stages[stage];
          if (version === undefined) continue;
          throw new ConflictError(`Model ${shown(model)} cannot be deleted while version ${version} is in ${stage}; archive it first with registry.promote().`, { key: model, model, version, stage });
        }
        return deleteModel(state, actor, this.#host.clock.now());
      },
      options,
    );
    return null;
  }

  async registerVersion({ model, idempotent, ...contents }: RegistryChangeInputs['registerVersion'], options: OperationOptions): Promise<ModelVersion> {
    const { files } = contents;
    const version = { ...contents, digest: manifestDigest(files), size: files.reduce((sum, file) => sum + file.size, 0), createdAt: this.#host.clock.now() };
    return this.#decide(model, async (seen) => {
      // What an earlier crash left is moved first, so that leftovers cannot pile up in the record.
      await this.#store.settle(seen, options);
      const same = idempotent ? await this.#store.sameContents(seen, contentsOf(version), options) : undefined;
      if (same) return viewOf(seen, same);
      const state = await this.#changeUnless(seen, (now) => idempotent && now.lastVersion !== seen.lastVersion, (now) => registerVersion(now, version), options);
      return state && viewOf(state, { ...version, version: state.lastVersion, revision: state.revision });
    }, options);
  }

  async updateVersion({ ref, by, ...texts }: RegistryChangeInputs['updateVersion'], options: OperationOptions): Promise<ModelVersion> {
    return this.#changeVersion(ref, (state, record) => updateVersion(state, record, texts, { by }), options);
  }

  async deleteVersion({ ref, ...actor }: RegistryChangeInputs['deleteVersion'], options: OperationOptions): Promise<null> {
    const reference = parseReference(ref);
    return this.#decide(reference.model, async (seen) => {
      const record = await this.#store.version(reference, seen, options);
      const decide = (now: ModelState): ModelDecision => {
        demandUnused(now, record.version, 'deleted');
        return deleteVersion(now, record, actor);
      };
      return (await this.#changeUnless(seen, (now) => hasChanged(reference, seen, now), decide, options)) && null;
    }, options);
  }

  async retire({ ref, ...actor }: RegistryChangeInputs['retire'], options: OperationOptions): Promise<ModelVersion> {
    return this.#changeVersion(
      ref,
      (state, { version }) => {
        demandUnused(state, version, 'retired');
        return retireVersion(state, version, actor);
      },
      options,
    );
  }

  async reinstate({ ref, ...actor }: RegistryChangeInputs['reinstate'], options: OperationOptions): Promise<ModelVersion> {
    return this.#changeVersion(ref, (state, { version }) => reinstateVersion(state, version, actor), options);
  }

  async setAlias({ model, alias, version, ...actor }: RegistryChangeInputs['setAlias'], options: OperationOptions): Promise<ModelVersion> {
    return this.#changeVersion(
      `${model}@${version}`,
      (state) => {
        demandInUse(state, version);
        if (!Object.hasOwn(state.aliases, alias) && Object.keys(state.aliases).length >= maxAliases) {
          throw new ConflictError(`Model ${shown(model)} has ${maxAliases} aliases, which is as many as it may have; delete some with registry.deleteAlias().`, { key: model, model });
        }
        return setAlias(state, alias, version, actor);
      },
      options,
    );
  }

  async deleteAlias({ model, alias, ...actor }: RegistryChangeInputs['deleteAlias'], options: OperationOptions): Promise<null> {
    await this.#change(model, (state) => deleteAlias(existing(state, model), alias, actor), options);
    return null;
  }

  async approve({ ref, ...actor }: RegistryChangeInputs['approve'], options: OperationOptions): Promise<ModelVersion> {
    return this.#approve(ref, actor, false, options);
  }

  async withdrawApproval({ ref, ...actor }: RegistryChangeInputs['withdrawApproval'], options: OperationOptions): Promise<ModelVersion> {
    return this.#approve(ref, actor, true, options);
  }

  async sign({ ref, bundle, ...actor }: RegistryChangeInputs['sign'], options: OperationOptions): Promise<VersionSignature> {
    const reference = parseReference(ref);
    const { claimedKey } = await import('./signing/verify-manifest.ts');
    return this.#decide(reference.model, async (seen) => {
      const record = await this.#store.version(reference, seen, options);
      const signature = { id: newId(), model: seen.name, version: record.version, keyHint: claimedKey(bundle, record.files), bundle, ...actor, at: this.#host.clock.now() };
      const state = await this.#changeUnless(seen, (now) => hasChanged(reference, seen, now), (now) => recordSignature(now, signature, record), options);
      return state && signature;
    }, options);
  }

  async setPolicy({ model, policy, ...actor }: RegistryChangeInputs['setPolicy'], options: OperationOptions): Promise<null> {
    await this.#change(model, (state) => setPolicy(existing(state, model), policy, actor), options);
    return null;
  }

  async recordEvaluation({ ref, ...measured }: RegistryChangeInputs['recordEvaluation'], options: OperationOptions): Promise<Evaluation> {
    const reference = parseReference(ref);
    const { model } = reference;
    const { version } = (await this.#store.find(reference, options)).record;
    const evaluation = { ...measured, id: newId(), model, version, at: this.#host.clock.now() };
    await this.#change(
      model,
      (present) => {
        const state = existing(present, model);
        // Thrown when it was deleted meanwhile.
        numberOf({ model, selector: { version } }, state);
        return recordEvaluation(state, evaluation);
      },
      options,
    );
    return evaluation;
  }

  async promote({ ref, stage, force, from, ...actor }: RegistryChangeInputs['promote'], options: OperationOptions): Promise<ModelVersion> {
    const reference = parseReference(ref);
    return this.#decide(reference.model, async (seen) => {
      const record = await this.#store.version(reference, seen, options);
      if (stage === 'production' || stage === 'staging') demandIncumbent(seen, stage, from, `Version ${record.version} of ${shown(seen.name)} did not go to ${stage}`);
      if (stageOf(seen.stages, record.version) === stage) return viewOf(seen, record);
      if (stage !== 'archived') demandInUse(seen, record.version);
      const report = await runGates(this.#host, seen, record, stage, options);
      if (!report.passed && !force) {
        // Told of the state that the gates saw; where it changed meanwhile they are asked again.
        if (await this.#changeUnless(seen, (now) => hasChanged(reference, seen, now), (now) => refusePromotion(now, actor, report), options)) throw refusal(report);
        return undefined;
      }
      const stale = (now: ModelState): boolean => {
        demandSameIncumbent(seen, now, stage, record.version, record.version);
        return hasChanged(reference, seen, now);
      };
      const state = await this.#changeUnless(seen, stale, (now) => changeStage(now, record.version, stage, actor, report), options);
      return state && viewOf(state, record);
    }, options);
  }

  async rollback({ model, to, from, verifyAll, ...actor }: RegistryChangeInputs['rollback'], options: OperationOptions): Promise<ModelVersion> {
    return this.#decide(model, async (seen) => {
      const { production, previous } = seen.stages;
      demandIncumbent(seen, 'production', from, `Model ${shown(model)} was not rolled back`);
      const target = to ?? previous.at(-1);
      if (target === undefined) {
        throw new NotFoundError(`Model ${shown(model)} has no previous version in production to go back to; promote the one you want with registry.promote().`, {
          key: model,
          model,
        });
      }
      // Read before the change: once it is made, nothing may fail that would have the caller roll back again.
      const record = await this.#store.version({ model, selector: { version: target } }, seen, options);
      if (production === target) return viewOf(seen, record);
      demandInUse(seen, target);
      if (!hasServed(seen.stages, target)) {
        throw new ConflictError(`Version ${target} of ${shown(model)} was never in production, so nothing can be rolled back to it; promote it with registry.promote(), past its gates.`, {
          key: model,
          model,
          version: target,
        });
      }
      await this.#demandSound(seen, record, verifyAll, options);
      const stale = (now: ModelState): boolean => {
        // Unless it was named, nobody may take it for granted when another rollback came first: the next one would go back further.
        demandSameIncumbent(seen, now, 'production', target, to);
        return now.stages.previous.at(-1) !== previous.at(-1) || hasMember(now.retired, target) || hasMember(now.deleted, target);
      };
      const state = await this.#changeUnless(seen, stale, (now) => rollBackModel(now, target, actor), options);
      return state && viewOf(state, record);
    }, options);
  }

  async #approve(ref: string, actor: Reasoned, withdrawn: boolean, options: OperationOptions): Promise<ModelVersion> {
    const reference = parseReference(ref);
    return this.#decide(reference.model, async (seen) => {
      const record = await this.#store.version(reference, seen, options);
      const before = await this.#store.approvals(seen, record.version, options);
      const approval = { id: newId(), model: seen.name, version: record.version, ...actor, at: this.#host.clock.now() };
      const decide = (now: ModelState): ModelDecision => recordApproval(now, approval, withdrawn, before);
      const state = await this.#changeUnless(seen, (now) => hasChanged(reference, seen, now), decide, options);
      return state && viewOf(state, record);
    }, options);
  }

  /** Throws unless the files of a version that is to serve at once are there, and, as far as they are read, are those that were registered. */
  async #demandSound(state: ModelState, record: VersionRecord, all: boolean, options: OperationOptions): Promise<void> {
    try {
      await verifyFiles(this.#host.storage, viewOf(state, record), all ? Infinity : rollbackReadBytes, options);
    } catch (error) {
      if (!isModelkeepError(error, 'integrity')) throw error;
      const others = state.stages.previous.filter((version) => version !== record.version).slice(-3).reverse();
      const remedy = others.length > 0 ? `; go back to another one with { to: ${others[0]} }` : '';
      throw new IntegrityError(`${shown(state.name)} was not rolled back to version ${record.version}, which is damaged${remedy}. ${error.message}`, { ...error.details, cause: error });
    }
  }

  /** Changes what is told of a version, on the newest of what is known of it. */
  async #changeVersion(ref: string, decide: (state: ModelState, record: VersionRecord) => ModelDecision, options: OperationOptions): Promise<ModelVersion> {
    const reference = parseReference(ref);
    return this.#decide(reference.model, async (seen) => {
      const record = await this.#store.version(reference, seen, options);
      const state = await this.#changeUnless(seen, (now) => hasChanged(reference, seen, now), (now) => decide(now, record), options);
      if (state === undefined) return undefined;
      const [after] = await this.#store.versions(state, [record.version], options);
      return viewOf(state, after ?? record);
    }, options);
  }

  /** Makes a decision on a model as it is seen, and again when it was changed meanwhile, which `attempt` tells by `undefined`. */
  async #decide<T>(model: string, attempt: (seen: ModelState) => Promise<T | undefined>, options: OperationOptions): Promise<T> {
    for (let tries = 1; tries <= maxDecisions; tries++) {
      const made = await attempt(await this.#store.state(model, options));
      if (made !== undefined) return made;
    }
    throw new ConflictError(`${shown(model)} was changed by others while each of ${maxDecisions} decisions was being made; try again when it is less busy.`, { key: model, model });
  }

  /** Changes a model, or returns `undefined` with nothing changed when `stale` says that it is not as it was seen any more. */
  async #changeUnless(
    seen: ModelState,
    stale: (now: ModelState) => boolean,
    decide: (now: ModelState) => ModelDecision,
    options: OperationOptions,
  ): Promise<ModelState | undefined> {
    let missed = false;
    const state = await this.#change(
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

  async #change(model: string, decide: (state: ModelState | undefined) => ModelDecision, options: OperationOptions): Promise<ModelState | undefined> {
    const { state, events } = await this.#store.change(model, decide, options);
    for (const event of events) this.#host.emit?.(event);
    return state;
  }
}

/** Whether a state is another one than was seen to whoever goes by a reference: by `latest`, also for what was registered since. */
function hasChanged({ selector }: ModelReference, seen: ModelState, now: ModelState): boolean {
  return now.revision !== seen.revision || (selector === 'latest' && now.lastVersion !== seen.lastVersion);
}

/** Throws unless nobody gets the version by a stage or an alias. */
function demandUnused(state: ModelState, version: number, what: 'deleted' | 'retired'): void {
  const stage = stageOf(state.stages, version);
  const facts = { key: state.name, model: state.name, version };
  if (stage === 'production' || stage === 'staging') {
    throw new ConflictError(`Version ${version} of ${shown(state.name)} cannot be ${what} while it is in ${stage}; promote another one, or archive it first.`, { ...facts, stage });
  }
  const aliases = aliasesOf(state, version);
  if (aliases.length > 0) {
    throw new ConflictError(`Version ${version} of ${shown(state.name)} cannot be ${what} while ${aliases.map((alias) => shown(alias)).join(', ')} points at it; move or delete the alias first.`, { ...facts, aliases });
  }
}

function demandInUse(state: ModelState, version: number): void {
  if (!hasMember(state.retired, version)) return;
  throw new ConflictError(`Version ${version} of ${shown(state.name)} was retired; bring it back into use with registry.reinstate() first.`, { key: state.name, model: state.name, version });
}

/** Throws when another version than the expected one is in a stage; `null` expects none, and `undefined` any. */
function demandIncumbent({ name, stages }: ModelState, stage: ExclusiveStage, expected: number | null | undefined, undone: string): void {
  const holder = stages[stage];
  if (expected === undefined || holder === (expected ?? undefined)) return;
  throw new ConflictError(`${undone}: ${versionNamed(holder)} is in ${stage}, not ${expected === null ? 'none' : `version ${expected}`}.`, { key: name, model: name, [stage]: holder });
}

function versionNamed(version: number | undefined): string {
  return version === undefined ? 'no version' : `version ${version}`;
}

/** Throws when another version than the welcome one took the place meanwhile: whoever asks for it now decided without knowing that. */
function demandSameIncumbent(seen: ModelState, now: ModelState, stage: Stage, version: number, welcome: number | undefined): void {
  if (stage !== 'production' && stage !== 'staging') return;
  const [before, holder] = [seen.stages[stage], now.stages[stage]];
  if (holder === before || (holder !== undefined && holder === welcome)) return;
  throw new ConflictError(`Version ${version} of ${shown(now.name)} did not go to ${stage}: ${versionNamed(holder)} came there meanwhile, where ${versionNamed(before)} was; decide anew.`, {
    key: now.name,
    model: now.name,
    version,
    stage,
    incumbent: holder,
  });
}

function refusal(report: GateReport): GateError {
  const { model, version, stage, gates } = report;
  const reasons = gates.filter((gate) => !gate.passed).map((gate) => `${gate.name}: ${gate.reason}`);
  return new GateError(`${model}@${version} may not go to ${stage}. ${reasons.join('. ')}. Mend this, or promote with force and a reason.`, { model, version, stage, report });
}

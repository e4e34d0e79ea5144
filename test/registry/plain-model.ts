import type { RegistryEvent, Stage } from 'modelkeep';
import type { Command } from './commands.ts';

/** A version as its history tells of it. */
export interface PlainVersion {
  readonly stage: Stage;
  readonly retired: boolean;
  /** Whether it was ever in production. */
  readonly served: boolean;
  readonly digest: string;
  readonly description: string | undefined;
  /** Who vouches for it, oldest first. */
  readonly approvedBy: readonly string[];
  /** What was measured, oldest first. */
  readonly measured: readonly number[];
  /** How often it was signed. */
  readonly signed: number;
}

/** A model as its history tells of it: plain data, and none of the registry's own code. */
export interface PlainModel {
  readonly there: boolean;
  /** The highest number that was ever given. */
  readonly last: number;
  readonly versions: Readonly<Record<number, PlainVersion>>;
  readonly aliases: Readonly<Record<string, number>>;
  /** What rollback goes back through, the next one last. */
  readonly previous: readonly number[];
  /** How many must vouch for a version that goes to production. */
  readonly needs: number;
}

/** Before anything happened. */
const nothing: PlainModel = { there: false, last: 0, versions: {}, aliases: {}, previous: [], needs: 0 };

/** An event: its type and the data that matter. */
interface Told {
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What a command must come to: an event, nothing to do, an error, or one that the history tells of. */
export type Verdict = Told | { readonly unchanged: true } | { readonly error: 'conflict' | 'not-found' } | (Told & { readonly error: 'gate' });

/** The version in a stage that holds one. */
export function holderOf({ versions }: PlainModel, stage: Stage): number | undefined {
  const found = Object.keys(versions).find((number) => versions[Number(number)]!.stage === stage);
  return found === undefined ? undefined : Number(found);
}

/** The newest version that is there and in use, 0 when there is none. */
export function latestOf({ versions }: PlainModel): number {
  return Math.max(0, ...Object.keys(versions).map(Number).filter((number) => !versions[number]!.retired));
}

/** What happened, one event after the other. */
export function replay(history: readonly RegistryEvent[]): PlainModel[] {
  const states = [nothing];
  for (const event of history) states.push(after(states.at(-1)!, event));
  return states;
}

function after(model: PlainModel, event: RegistryEvent): PlainModel {
  const change = (version: number, facts: Partial<PlainVersion>): PlainModel => ({ ...model, versions: { ...model.versions, [version]: { ...model.versions[version]!, ...facts } } });
  switch (event.type) {
    case 'model-created':
      return { ...nothing, there: true, last: model.last };
    case 'model-deleted':
      return { ...nothing, last: model.last };
    case 'version-registered': {
      const { version, digest } = event.data;
      const made: PlainVersion = { stage: 'none', retired: false, served: false, digest, description: undefined, approvedBy: [], measured: [], signed: 0 };
      return { ...model, last: version, versions: { ...model.versions, [version]: made } };
    }
    case 'version-updated':
      return change(event.data.version, { description: event.data.to.description });
    case 'version-approved':
      return change(event.data.version, { approvedBy: [...model.versions[event.data.version]!.approvedBy, event.by!] });
    case 'approval-withdrawn':
      return change(event.data.version, { approvedBy: model.versions[event.data.version]!.approvedBy.filter((each) => each !== event.by) });
    case 'evaluation-recorded':
      return change(event.data.version, { measured: [...model.versions[event.data.version]!.measured, event.data.metrics['auc']!] });
    case 'version-signed':
      return change(event.data.version, { signed: model.versions[event.data.version]!.signed + 1 });
    case 'policy-changed':
      return { ...model, needs: (event.data.to.production?.[0] as { count: number } | undefined)?.count ?? 0 };
    case 'version-retired':
      return without(change(event.data.version, { retired: true, stage: 'archived' }), event.data.version);
    case 'version-reinstated':
      return change(event.data.version, { retired: false });
    case 'version-deleted': {
      const { [event.data.version]: _, ...versions } = model.versions;
      return without({ ...model, versions }, event.data.version);
    }
    case 'alias-set':
      return { ...model, aliases: { ...model.aliases, [event.data.alias]: event.data.to } };
    case 'alias-deleted': {
      const { [event.data.alias]: _, ...aliases } = model.aliases;
      return { ...model, aliases };
    }
    case 'stage-changed':
      return placed(model, event.data.version, event.data.to);
    case 'promotion-refused':
      return model;
    case 'rolled-back': {
      const at = model.previous.lastIndexOf(event.data.version);
      const back = placed(model, event.data.version, 'production');
      return at < 0 ? back : { ...back, previous: model.previous.slice(0, at) };
    }
    default:
      throw new Error(`no command makes ${event.type}`);
  }
}

function placed(model: PlainModel, version: number, stage: Stage): PlainModel {
  const incumbent = stage === 'production' || stage === 'staging' ? holderOf(model, stage) : undefined;
  const versions: Record<number, PlainVersion> = { ...model.versions };
  if (incumbent !== undefined) versions[incumbent] = { ...versions[incumbent]!, stage: 'archived' };
  versions[version] = { ...versions[version]!, stage, served: versions[version]!.served || stage === 'production' };
  let { previous } = model;
  if (stage === 'production') previous = incumbent !== undefined ? [...previous, incumbent].slice(-100) : previous.at(-1) === version ? previous.slice(0, -1) : previous;
  return { ...model, versions, previous };
}

/** Rollback does not come back to a version that is gone; what is left holds no version twice in a row, and not the one in production last. */
function without(model: PlainModel, version: number): PlainModel {
  const previous: number[] = [];
  for (const each of model.previous) if (each !== version && previous.at(-1) !== each) previous.push(each);
  if (previous.length > 0 && previous.at(-1) === holderOf(model, 'production')) previous.pop();
  return { ...model, previous };
}

/** What a command must come to in a state. `digest` is the identity of what it registers. */
export function verdict(model: PlainModel, command: Command, digest: string | undefined): Verdict {
  const conflict: Verdict = { error: 'conflict' };
  if (command.kind === 'createModel') return model.there ? conflict : { event: 'model-created', data: {} };
  if (!model.there) return { error: 'not-found' };
  const production = holderOf(model, 'production');
  switch (command.kind) {
    case 'deleteModel':
      return production !== undefined || holderOf(model, 'staging') !== undefined ? conflict : { event: 'model-deleted', data: { versions: model.last } };
    case 'register':
      if (command.idempotent && Object.values(model.versions).some((version) => version.digest === digest)) return { unchanged: true };
      return { event: 'version-registered', data: { version: model.last + 1, digest } };
    case 'deleteAlias':
      return Object.hasOwn(model.aliases, command.alias) ? { event: 'alias-deleted', data: { alias: command.alias, from: model.aliases[command.alias] } } : { unchanged: true };
    case 'setPolicy':
      return { event: 'policy-changed', data: {} };
    case 'promoteAs': {
      const { ref, stage } = command;
      const version = ref === 'latest' ? latestOf(model) || undefined : ref === 'champion' ? model.aliases[ref] : holderOf(model, ref);
      return version === undefined ? { error: 'not-found' } : onVersion(model, { kind: 'promote', version, stage });
    }
    case 'rollback': {
      if (command.from !== undefined && command.from !== (production ?? null)) return conflict;
      const version = command.to ?? model.previous.at(-1);
      const target = version === undefined ? undefined : model.versions[version];
      if (!target) return { error: 'not-found' };
      if (version === production) return { unchanged: true };
      if (target.retired || !target.served) return conflict;
      return { event: 'rolled-back', data: { version, from: target.stage, to: 'production', replaced: production } };
    }
    default:
      return onVersion(model, command);
  }
}

function onVersion(model: PlainModel, command: Extract<Command, { readonly version: number }>): Verdict {
  const { version } = command;
  const found = model.versions[version];
  if (!found) return { error: 'not-found' };
  const conflict: Verdict = { error: 'conflict' };
  const used = found.stage === 'production' || found.stage === 'staging' || Object.values(model.aliases).includes(version);
  switch (command.kind) {
    case 'promote': {
      const { stage, from } = command;
      if (from !== undefined && (stage === 'production' || stage === 'staging') && from !== (holderOf(model, stage) ?? null)) return conflict;
      if (found.stage === command.stage) return { unchanged: true };
      if (found.retired && command.stage !== 'archived') return conflict;
      if (command.stage === 'production' && found.approvedBy.length < model.needs) return { error: 'gate', event: 'promotion-refused', data: { version, from: found.stage, to: command.stage } };
      const replaced = command.stage === 'production' || command.stage === 'staging' ? holderOf(model, command.stage) : undefined;
      return { event: 'stage-changed', data: { version, from: found.stage, to: command.stage, replaced } };
    }
    case 'setAlias': {
      if (found.retired) return conflict;
      const from = model.aliases[command.alias];
      return from === version ? { unchanged: true } : { event: 'alias-set', data: { alias: command.alias, from, to: version } };
    }
    case 'retire':
      if (used) return conflict;
      return found.retired ? { unchanged: true } : { event: 'version-retired', data: { version } };
    case 'reinstate':
      return found.retired ? { event: 'version-reinstated', data: { version } } : { unchanged: true };
    case 'deleteVersion':
      return used ? conflict : { event: 'version-deleted', data: { version, digest: found.digest } };
    case 'approve':
      return found.approvedBy.includes(command.who) ? { unchanged: true } : { event: 'version-approved', data: { version } };
    case 'withdrawApproval':
      return found.approvedBy.includes(command.who) ? { event: 'approval-withdrawn', data: { version } } : { unchanged: true };
    case 'evaluate':
      return { event: 'evaluation-recorded', data: { version } };
    case 'sign':
      return { event: 'version-signed', data: { version } };
    case 'updateVersion':
      return found.description === command.text ? { unchanged: true } : { event: 'version-updated', data: { version } };
  }
}

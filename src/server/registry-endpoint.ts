import { decode, encode } from '../core/codec.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { NotFoundError, ValidationError } from '../core/errors.ts';
import { assertKey, escapeSegment, type Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import { shown } from '../core/shown.ts';
import { checkChange, isRegistryChange, type CheckedChange } from '../registry/change-input.ts';
import type { GateFunction } from '../registry/custom-gate.ts';
import { checkStored } from '../registry/model-files.ts';
import { ModelStore } from '../registry/model-store.ts';
import { OwnRegistryChanges } from '../registry/own-registry-changes.ts';
import type { RegistryChangeInputs } from '../registry/registry-changes.ts';
import type { RegistryEvent } from '../registry/registry-event.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { withPrefix } from '../storage/with-prefix.ts';

/** A change of a model that a client asks for. */
export interface RegistryCommand extends CheckedChange {
  /** The part of the store that it concerns; empty for the whole. */
  readonly prefix: string;
  /** The head record that it changes: what leave is asked for. */
  readonly key: Key;
}

/** Where and with what a command is run. */
export interface RegistryHost {
  readonly storage: StorageAdapter;
  /** The functions behind custom gates, by name. */
  readonly gates?: Readonly<Record<string, GateFunction>> | undefined;
  readonly clock?: Clock | undefined;
  /** Told of each change when it is stored. Must not throw. */
  readonly emit?: ((event: RegistryEvent) => void) | undefined;
}

/** Is told of a change of a model, and where it happened. */
export type RegistryEventListener = (event: RegistryEvent, where: RegistryEventPlace) => void | Promise<void>;

/** The part of a store in which a model changed. */
export interface RegistryEventPlace {
  /** The workspace; absent for the store itself. */
  readonly workspace?: string | undefined;
  /** The prefix that the client works below; empty for none. */
  readonly prefix: string;
}

/** The command in a request's body, made by `actor`, where that is known, whatever the body says. Throws `NotFoundError` for a method that is none, and `ValidationError`. */
export function parseRegistryCommand(method: string, body: Uint8Array, actor: string | undefined): RegistryCommand {
  if (!isRegistryChange(method)) throw new NotFoundError(`The registry has no method ${shown(method)}.`, { key: shown(method) });
  const { input, prefix = '' } = envelopeOf(body);
  if (typeof prefix !== 'string') throw new ValidationError('prefix must be a text.', { path: 'prefix' });
  const checked = checkChange(method, input, actor);
  const head = `registry/models/${escapeSegment(checked.model)}`;
  return { ...checked, prefix, key: assertKey(prefix === '' ? head : `${assertKey(prefix)}/${head}`) };
}

/** Makes the change and gives the body of the answer. */
export async function runRegistryCommand({ change, input, prefix }: RegistryCommand, host: RegistryHost, options: OperationOptions): Promise<Uint8Array> {
  const { gates = {}, clock = systemClock, emit } = host;
  const storage = prefix === '' ? host.storage : withPrefix(host.storage, prefix);
  const changes = new OwnRegistryChanges({ storage, store: new ModelStore(storage, clock), clock, functions: new Map(Object.entries(gates)), emit });
  if (change === 'registerVersion') await checkStored(storage, (input as RegistryChangeInputs['registerVersion']).files, options);
  if (change === 'recordEvaluation') {
    const { predictions } = input as RegistryChangeInputs['recordEvaluation'];
    if (predictions) await checkStored(storage, [{ path: 'predictions', ...predictions }], options);
  }
  return encode(await changes[change](input as never, options));
}

function envelopeOf(body: Uint8Array): { input?: unknown; prefix?: unknown } {
  let envelope: unknown;
  try {
    envelope = decode(body, 'body');
  } catch (cause) {
    throw new ValidationError('The body is not what a client of modelkeep sends: the value { input, prefix } in its codec.', { path: 'body', cause });
  }
  if (typeof envelope === 'object' && envelope !== null && !Array.isArray(envelope)) return envelope;
  throw new ValidationError('The body must be an object with input and prefix.', { path: 'body' });
}

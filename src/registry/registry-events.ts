import * as z from 'zod/mini';
import { throwIfAborted } from '../core/abort.ts';
import { IntegrityError, ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import { shown } from '../core/shown.ts';
import type { TriggerEvent, TriggerPage, TriggerPollOptions, TriggerSource } from '../core/trigger-source.ts';
import { checkModelName } from './model-name.ts';
import type { ModelHead, ModelStore } from './model-store.ts';
import type { RegistryEvent } from './registry-event.ts';

/** Which events of a registry a source has. */
export interface RegistryEventsOptions {
  /** The models whose events it has; they need not be there yet. @default all */
  readonly models?: readonly string[] | undefined;
  /** The types of events that it has, such as `stage-changed`. @default all but `promotion-refused`, for nothing has changed then, and who tries to promote at each event would be refused without end */
  readonly types?: readonly RegistryEvent['type'][] | undefined;
}

/** The events of a registry, read by a cursor that their reader keeps. */
export interface RegistryEventSource extends TriggerSource<RegistryEvent> {
  /** The cursor behind all that has happened. */
  now(options?: OperationOptions): Promise<string>;
}

const optionsSchema = z.strictObject({ models: z.optional(z.array(z.string())), types: z.optional(z.array(z.string())) });
const pollSchema = z.object({ limit: z.optional(z.int().check(z.minimum(1), z.maximum(10_000))) });
const cursorSchema = z.strictObject({ last: z.string(), seen: z.record(z.string(), z.int().check(z.minimum(0))) });

/** Makes the source of a registry's events: their histories, read on from the sequence that was reached in each. */
export function registryEvents(store: ModelStore, options: RegistryEventsOptions): RegistryEventSource {
  const { models, types } = check(optionsSchema, options, 'options') as RegistryEventsOptions;
  const among = models && [...new Set(models.map((model, i) => checkModelName(model, `options.models[${i}]`)))].sort();
  const kinds = types && [...new Set(types)].sort();
  const parts = { ...(among && { models: among }), ...(kinds && { types: kinds }) };
  const reader = new EventReader(store, among, kinds && new Set(kinds));
  return {
    id: `registry.events${Object.keys(parts).length > 0 ? JSON.stringify(parts) : ''}`,
    poll: (after, poll = {}) => reader.poll(after, poll),
    now: (operation = {}) => reader.now(operation),
  };
}

/** How far each model was read, and which was the last one, so that the next reading begins behind it. */
interface Cursor {
  readonly last: string;
  readonly seen: ReadonlyMap<string, number>;
}

class EventReader {
  readonly #store: ModelStore;
  readonly #among: readonly string[] | undefined;
  readonly #types: ReadonlySet<string> | undefined;
  // What a look found, so that the next one reads only what has changed.
  #heads: ReadonlyMap<string, ModelHead> = new Map();

  constructor(store: ModelStore, among: readonly string[] | undefined, types: ReadonlySet<string> | undefined) {
    this.#store = store;
    this.#among = among;
    this.#types = types;
  }

  async now(options: OperationOptions): Promise<string> {
    const { found, error } = await this.#look(options);
    if (error !== undefined) throw error as Error;
    return textOf({ last: '', seen: new Map(found.map(({ segment, sequence }) => [segment, sequence])) });
  }

  async poll(after: string | undefined, options: TriggerPollOptions): Promise<TriggerPage<RegistryEvent>> {
    const { signal } = options;
    const { limit = 100 } = check(pollSchema, options, 'options') as TriggerPollOptions;
    const { last, seen } = after === undefined ? { last: '', seen: new Map<string, number>() } : cursorOf(after);
    const { found, ...look } = await this.#look({ signal });
    let { error } = look;
    // A store that was put back to an earlier state counts on from there.
    const reached = new Map(found.map(({ segment, sequence }) => [segment, Math.min(seen.get(segment) ?? 0, sequence)]));
    // A model that could not be read, or is not there for the moment, keeps its place.
    for (const [segment, sequence] of seen) if (!reached.has(segment)) reached.set(segment, sequence);
    const fresh = found.filter(({ segment, sequence }) => sequence > reached.get(segment)!);
    const first = fresh.findIndex(({ segment }) => segment > last);
    const turns = first > 0 ? [...fresh.slice(first), ...fresh.slice(0, first)] : fresh;
    const events: { readonly event: RegistryEvent; readonly place: number }[] = [];
    let reader = last;
    for (const { segment, sequence } of turns) {
      if (events.length >= limit) break;
      throwIfAborted(signal, 'The poll');
      reader = segment;
      try {
        let place = 0;
        for (const event of await this.#store.historyAt(segment, { signal })) {
          const at = reached.get(segment)!;
          if (event.sequence <= at) continue;
          // A copy that is not complete yet may lack events in between; they must not be passed over.
          if (event.sequence > at + 1 || events.length >= limit) break;
          reached.set(segment, event.sequence);
          // The order within a model is that of the sequence, whatever clocks said.
          place = Math.max(place, event.at);
          if (this.#types?.has(event.type) ?? event.type !== 'promotion-refused') events.push({ event, place });
        }
        if (reached.get(segment)! < sequence && events.length < limit) error ??= incomplete(segment, reached.get(segment)! + 1);
      } catch (cause) {
        throwIfAborted(signal, 'The poll');
        error ??= cause;
      }
    }
    const next = textOf({ last: reader, seen: reached });
    // What hinders one model must not hinder the others; it is told when they are through.
    if (events.length === 0 && error !== undefined && !moved(seen, reached)) throw error as Error;
    return { events: events.sort((a, b) => a.place - b.place).map(({ event }) => triggerOf(event)), next: moved(seen, reached) ? next : (after ?? next) };
  }

  async #look(options: OperationOptions): Promise<{ readonly found: readonly ModelHead[]; readonly error?: unknown }> {
    const looked = await this.#store.heads(this.#among, this.#heads, options);
    this.#heads = new Map(looked.found.map((head) => [head.segment, head]));
    return looked;
  }
}

function moved(seen: ReadonlyMap<string, number>, reached: ReadonlyMap<string, number>): boolean {
  return [...reached].some(([segment, sequence]) => sequence !== (seen.get(segment) ?? 0));
}

function triggerOf(event: RegistryEvent): TriggerEvent<RegistryEvent> {
  return { id: event.id, at: event.at, ref: event.subject, data: event };
}

function textOf({ last, seen }: Cursor): string {
  return JSON.stringify({ last, seen: Object.fromEntries(seen) });
}

function cursorOf(text: string): Cursor {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new ValidationError(`after is ${shown(text, 80)}, which no poll gave.`, { path: 'after' });
  }
  const { last, seen } = check(cursorSchema, parsed, 'after');
  return { last, seen: new Map(Object.entries(seen)) };
}

function incomplete(segment: string, sequence: number): IntegrityError {
  return new IntegrityError(`The history of the model at registry/models/${segment} lacks event ${sequence}; it is read on when it is there.`, { key: `registry/models/${segment}`, sequence });
}

import * as z from 'zod/mini';
import { decode } from '../../core/codec.ts';
import { ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import { hasEnded } from '../run-state.ts';
import type { RunHead, RunStore } from '../run-store.ts';

/** The note of an end, written before it. */
export interface EndNote {
  readonly run: string;
  readonly round: number;
}

/** How far the notes were read, and of which the end had not come then. */
export interface EndNotesPlace {
  readonly position?: string | undefined;
  readonly open: readonly EndNote[];
}

/** Rounds that have ended, each with the head of its run as it is now, and where to read on. */
export interface EndNotesPage {
  readonly ended: readonly { readonly note: EndNote; readonly head: RunHead }[];
  readonly place: EndNotesPlace;
  /** Whether the place is another. */
  readonly moved: boolean;
}

const placeSchema = /* @__PURE__ */ z.object({
  position: /* @__PURE__ */ z.optional(z.string()),
  open: /* @__PURE__ */ z.array(/* @__PURE__ */ z.strictObject({ run: z.string(), round: z.int() })),
});

/** Reads on in the notes, at most `limit` beside the open ones, and looks which of them have come to pass. */
export async function readEndNotes(store: RunStore, { position: from, open }: EndNotesPlace, { signal, limit }: { readonly signal?: AbortSignal | undefined; readonly limit: number }): Promise<EndNotesPage> {
  const notes = new Map(open.map((note) => [noteId(note), note]));
  let position = from;
  for await (const entry of store.storage.readLog(store.endsKey, { after: position, signal })) {
    const note = decode(entry.bytes, store.endsKey) as EndNote;
    notes.set(noteId(note), note);
    position = entry.position;
    if (notes.size >= open.length + limit) break;
  }
  const found = [...notes.values()];
  const heads = await store.heads(found.map(({ run }) => run), { signal });
  const stillOpen = found.filter(({ round }, i) => heads[i]?.round === round && !hasEnded(heads[i].status));
  const ended = found.flatMap((note, i) => {
    const head = heads[i];
    return head === undefined || stillOpen.includes(note) ? [] : [{ note, head }];
  });
  return { ended, place: { position, open: stillOpen }, moved: position !== from || stillOpen.length !== open.length };
}

/** One for each round. */
export function noteId({ run, round }: EndNote): string {
  return `${run}/${round}`;
}

/** The place that a cursor stands for, whatever else it holds; throws `ValidationError` for one that no poll gave. */
export function endNotesPlace(cursor: string | undefined): EndNotesPlace {
  if (cursor === undefined) return { open: [] };
  try {
    return check(placeSchema, JSON.parse(cursor), 'after');
  } catch (cause) {
    throw new ValidationError(`after is ${shown(cursor, 80)}, which no poll gave.`, { path: 'after', cause });
  }
}

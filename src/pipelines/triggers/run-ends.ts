import * as z from 'zod/mini';
import { decode } from '../../core/codec.ts';
import { ValidationError } from '../../core/errors.ts';
import { escapeSegment } from '../../core/key.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { TriggerEvent, TriggerPage, TriggerPollOptions, TriggerSource } from '../../core/trigger-source.ts';
import { hasEnded, type RunOutcome } from '../run-state.ts';
import type { RunHead, RunStore } from '../run-store.ts';

/** Which ends of runs are told. */
export interface EndsOptions {
  /** The statuses that are told. @default all */
  readonly status?: readonly RunOutcome[] | undefined;
}

/** The end of a run. */
export interface RunEnd {
  /** Id of the run. */
  readonly run: string;
  /** Name of the pipeline. */
  readonly pipeline: string;
  /** How it ended. */
  readonly status: RunOutcome;
  /** When it ended, epoch milliseconds. */
  readonly endedAt: number;
  /** What it was started with, as its schema made it. */
  readonly params?: unknown;
}

/** The note of an end, written before it. */
interface EndNote {
  readonly run: string;
  readonly round: number;
}

/** How far the notes were read, and of which the end had not come then. */
interface Cursor {
  readonly position?: string | undefined;
  readonly open: readonly EndNote[];
}

const outcome = z.enum(['succeeded', 'failed', 'cancelled']);
const schema = /* @__PURE__ */ z.strictObject({ status: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.array(outcome)) });
const cursorSchema = /* @__PURE__ */ z.strictObject({
  position: /* @__PURE__ */ z.optional(z.string()),
  open: /* @__PURE__ */ z.array(/* @__PURE__ */ z.strictObject({ run: z.string(), round: z.int() })),
});
const defaultLimit = 100;

/** The ends of a pipeline's runs: notes are written before the ends, so that none is missed, and each is told when its head says that it came. */
export function runEnds(store: RunStore, pipeline: string, options: EndsOptions): TriggerSource<RunEnd> {
  const { status } = check(schema, options, 'options');
  const wanted = status && [...new Set(status)].sort();
  return {
    id: `pipelines/ends/${escapeSegment(pipeline)}${wanted ? `/${wanted.join('+')}` : ''}`,
    poll: (after, poll = {}) => readEnds(store, wanted, after, poll),
    async now({ signal } = {}) {
      for (let cursor: string | undefined; ; ) {
        const { next } = await readEnds(store, wanted, cursor, { signal });
        if (next === cursor) return next ?? textOf({ open: [] });
        cursor = next;
      }
    },
  };
}

async function readEnds(store: RunStore, wanted: readonly RunOutcome[] | undefined, after: string | undefined, { signal, limit = defaultLimit }: TriggerPollOptions): Promise<TriggerPage<RunEnd>> {
  const cursor = after === undefined ? { open: [] } : cursorOf(after);
  const notes = new Map(cursor.open.map((note) => [idOf(note), note]));
  let position = cursor.position;
  for await (const entry of store.storage.readLog(store.endsKey, { after: position, signal })) {
    const note = decode(entry.bytes, store.endsKey) as EndNote;
    notes.set(idOf(note), note);
    position = entry.position;
    if (notes.size >= cursor.open.length + limit) break;
  }
  const found = [...notes.values()];
  const heads = await store.heads(found.map(({ run }) => run), { signal });
  const open: EndNote[] = [];
  const events: TriggerEvent<RunEnd>[] = [];
  for (const [i, note] of found.entries()) {
    const head = heads[i];
    if (head?.round === note.round && !hasEnded(head.status)) open.push(note);
    // Of a round that another followed, how it ended is not known any more; that of the other is told.
    else if (head?.round === note.round) {
      const end = endOf(head);
      if (wanted?.includes(end.status) ?? true) events.push({ id: idOf(note), at: end.endedAt, ref: { kind: 'pipeline-run', id: head.id }, data: end });
    }
  }
  const next = position === cursor.position && open.length === cursor.open.length ? after : textOf({ position, open });
  return { events: events.sort((a, b) => a.at - b.at), next };
}

function endOf({ id: run, pipeline, status, endedAt = 0, params }: RunHead): RunEnd {
  return { run, pipeline, status: status as RunOutcome, endedAt, ...(params !== undefined && { params }) };
}

function idOf({ run, round }: EndNote): string {
  return `${run}/${round}`;
}

function textOf({ position, open }: Cursor): string {
  return JSON.stringify({ position, open });
}

function cursorOf(text: string): Cursor {
  try {
    return check(cursorSchema, JSON.parse(text), 'after');
  } catch (cause) {
    throw new ValidationError(`after is ${shown(text, 80)}, which no poll gave.`, { path: 'after', cause });
  }
}

import * as z from 'zod/mini';
import { escapeSegment } from '../../core/key.ts';
import { check } from '../../core/schema.ts';
import type { TriggerEvent, TriggerPage, TriggerPollOptions, TriggerSource } from '../../core/trigger-source.ts';
import type { RunOutcome } from '../run-state.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import { endNotesPlace, noteId, readEndNotes } from './end-notes.ts';

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

const outcome = z.enum(['succeeded', 'failed', 'cancelled']);
const schema = /* @__PURE__ */ z.strictObject({ status: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.array(outcome)) });
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
        if (next === cursor) return next ?? JSON.stringify({ open: [] });
        cursor = next;
      }
    },
  };
}

async function readEnds(store: RunStore, wanted: readonly RunOutcome[] | undefined, after: string | undefined, { signal, limit = defaultLimit }: TriggerPollOptions): Promise<TriggerPage<RunEnd>> {
  const { ended, place, moved } = await readEndNotes(store, endNotesPlace(after), { signal, limit });
  // Of a round that another followed, how it ended is not known any more; that of the other is told.
  const last = ended.filter(({ note, head }) => head.round === note.round && (wanted?.includes(head.status as RunOutcome) ?? true));
  const events = last.map(({ note, head }): TriggerEvent<RunEnd> => {
    const end = endOf(head);
    return { id: noteId(note), at: end.endedAt, ref: { kind: 'pipeline-run', id: head.id }, data: end };
  });
  return { events: events.sort((a, b) => a.at - b.at), next: moved ? JSON.stringify(place) : after };
}

function endOf({ id: run, pipeline, status, endedAt = 0, params }: RunHead): RunEnd {
  return { run, pipeline, status: status as RunOutcome, endedAt, ...(params !== undefined && { params }) };
}

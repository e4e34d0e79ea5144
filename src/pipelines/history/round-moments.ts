import * as z from 'zod/mini';
import { escapeSegment } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { TriggerEvent, TriggerPage, TriggerPollOptions, TriggerSource } from '../../core/trigger-source.ts';
import { listAll } from '../../storage/records.ts';
import { hasEnded } from '../run-state.ts';
import type { RunStore } from '../run-store.ts';
import { endNotesPlace, noteId, readEndNotes, type EndNotesPlace } from '../triggers/end-notes.ts';

/** That a round of a run has begun or ended. */
export interface RoundMoment {
  readonly run: string;
  readonly round: number;
  readonly has: 'begun' | 'ended';
  /** Of an end, whether it was told before that the round began. */
  readonly wasBegun: boolean;
}

/** How far ends were read, and which rounds were told as begun that have not been told as ended. */
interface Cursor extends EndNotesPlace {
  readonly begun: readonly string[];
}

const begunSchema = /* @__PURE__ */ z.object({ begun: /* @__PURE__ */ z.array(z.string()) });
const defaultLimit = 100;

/**
 * What becomes of the runs of a pipeline. Ends are told by the notes that are written before them, so that none is missed; beginnings by the leases of the runs that are worked on and the notes of those that wait, so that it costs what goes on at the moment. A run that
 * begins and ends between two polls is told at its end only.
 */
export function roundMoments(store: RunStore, pipeline: string): TriggerSource<RoundMoment> & Required<Pick<TriggerSource<RoundMoment>, 'now'>> {
  return {
    id: `pipelines/rounds/${escapeSegment(pipeline)}`,
    poll: (after, options = {}) => readMoments(store, after, options),
    async now({ signal } = {}) {
      for (let place: EndNotesPlace = { open: [] }; ; ) {
        const page = await readEndNotes(store, place, { signal, limit: 1_000 });
        if (!page.moved) return JSON.stringify({ ...place, begun: [] } satisfies Cursor);
        ({ place } = page);
      }
    },
  };
}

async function readMoments(store: RunStore, after: string | undefined, { signal, limit = defaultLimit }: TriggerPollOptions): Promise<TriggerPage<RoundMoment>> {
  const begun = new Set(after === undefined ? [] : check(begunSchema, JSON.parse(after), 'after').begun);
  // The runs are looked at first: what has ended since is among the notes that are read then.
  const live = await liveRounds(store, begun, limit, { signal });
  for (const { data } of live) begun.add(noteId(data));
  const { ended, place, moved } = await readEndNotes(store, endNotesPlace(after), { signal, limit: Math.max(1, limit - live.length) });
  const ends = ended.map(({ note, head }) => momentOf({ ...note, has: 'ended', wasBegun: begun.delete(noteId(note)) }, head.endedAt ?? head.startedAt));
  const cursor: Cursor = { ...place, begun: [...begun] };
  return { events: [...live, ...ends], next: moved || live.length > 0 ? JSON.stringify(cursor) : after };
}

/** The runs that are worked on, or wait for somebody, and of which no round is known as begun. */
async function liveRounds(store: RunStore, begun: ReadonlySet<string>, limit: number, options: OperationOptions): Promise<TriggerEvent<RoundMoment>[]> {
  const known = new Set([...begun].map((id) => id.slice(0, id.indexOf('/'))));
  const runs = new Set<string>();
  for await (const run of liveRuns(store, options)) {
    if (runs.size >= limit) break;
    if (!known.has(run)) runs.add(run);
  }
  const heads = await store.heads([...runs], options);
  return heads.flatMap((head) => {
    if (head === undefined || hasEnded(head.status)) return [];
    return [momentOf({ run: head.id, round: head.round, has: 'begun', wasBegun: false }, head.roundStartedAt ?? head.startedAt)];
  });
}

async function* liveRuns(store: RunStore, options: OperationOptions): AsyncGenerator<string> {
  const prefix = store.leaseKey('');
  for await (const { key } of listAll(store.storage, { prefix }, options)) yield key.slice(prefix.length);
  for await (const { run } of store.waitingRuns(undefined, options)) yield run;
}

function momentOf(data: RoundMoment, at: number): TriggerEvent<RoundMoment> {
  return { id: `${noteId(data)}/${data.has}`, at, ref: { kind: 'pipeline-run', id: data.run }, data };
}

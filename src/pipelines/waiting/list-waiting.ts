import * as z from 'zod/mini';
import { ValidationError } from '../../core/errors.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { Page } from '../../core/page.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import { hasEnded } from '../run-state.ts';
import type { RunStore } from '../run-store.ts';
import { decisionOf } from './decision.ts';
import { isForPerson, type WaitingStep } from './wait.ts';

/** Which part of what waits is listed. */
export interface ListWaitingOptions extends OperationOptions {
  /** The `next` of the page before. @default the first page */
  readonly after?: string | undefined;
  /** How many items a page has at most, from 1 to 1,000. @default 100 */
  readonly limit?: number | undefined;
  /** Only what waits for this. @default both */
  readonly kind?: 'approval' | 'quarantine' | undefined;
}

const schema = z.strictObject({ after: z.optional(z.string()), limit: z.optional(z.int().check(z.minimum(1), z.maximum(1000))), kind: z.optional(z.enum(['approval', 'quarantine'])), signal: signalOption });

/** What waits for somebody, the oldest run first and in it the steps in the order of the graph. */
export async function listWaiting(store: RunStore, options: ListWaitingOptions): Promise<Page<WaitingStep>> {
  const { after, limit = 100, kind, signal } = check(schema, options, 'options');
  const items: WaitingStep[] = [];
  let last: string | undefined;
  for await (const { place, item } of waitsAfter(store, after, { signal })) {
    if (kind !== undefined && item.kind !== kind) continue;
    if (items.length === limit) return { items, next: last };
    items.push(item);
    last = place;
  }
  return { items };
}

/** A step that waits, and where in the list. */
interface ListedWait {
  readonly place: string;
  readonly item: WaitingStep;
}

async function* waitsAfter(store: RunStore, after: string | undefined, options: OperationOptions): AsyncGenerator<ListedWait> {
  const [lastRun, lastOrder] = placeOf(after);
  if (lastRun !== undefined) yield* await waitsOf(store, lastRun, lastOrder, options);
  for await (const { run } of store.waitingRuns(lastRun, options)) yield* await waitsOf(store, run, -1, options);
}

/** The steps of a run that wait for somebody who has not decided yet, those behind a place in the graph. */
async function waitsOf(store: RunStore, run: string, beyond: number, options: OperationOptions): Promise<ListedWait[]> {
  const head = await store.head(run, options);
  if (head === undefined || hasEnded(head.status)) return [];
  const { pipeline, definition, round } = head;
  const asked = definition.flatMap(({ name, waits }, order) => (order > beyond && waits !== undefined && isForPerson({ kind: waits }) && decisionOf(head, name) === undefined ? [{ name, order }] : []));
  const records = await store.steps(run, asked.map(({ name }) => name), options);
  return asked.flatMap(({ name: step, order }) => {
    const record = records.get(step)?.value;
    return record?.status === 'waiting' && record.round === round && record.wait ? [{ place: `${run}/${order}`, item: { run, pipeline, step, ...record.wait } }] : [];
  });
}

function placeOf(after: string | undefined): [run: string | undefined, order: number] {
  if (after === undefined) return [undefined, -1];
  const at = after.lastIndexOf('/');
  const order = Number(after.slice(at + 1));
  if (at > 0 && Number.isInteger(order)) return [after.slice(0, at), order];
  throw new ValidationError(`options.after is ${shown(after)}; give the next of the page before.`, { path: 'options.after' });
}

import * as z from 'zod/mini';
import { throwIfAborted, untilAborted } from '../../core/abort.ts';
import { sleep } from '../../core/clock.ts';
import { isModelkeepError } from '../../core/errors.ts';
import { isId } from '../../core/ids.ts';
import { signalOption, wellFormedCheck } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { Definition } from '../definition.ts';
import type { RunHost } from '../run-host.ts';
import type { ContinueOptions } from '../run-starter.ts';
import { hasEnded } from '../run-state.ts';
import type { RunHead } from '../run-store.ts';
import { causeOf, cancellationOf, type CancelCause, type RunCancellation } from './cancellation.ts';
import { claimedLaunch } from './claimed-launch.ts';

/** Who cancels a run, and why. */
export interface CancelOptions extends OperationOptions {
  /** Who does it. It is recorded as it is given: whoever may write to the store may give any name. @default nobody is named */
  readonly by?: string | undefined;
  /** Why. @default nothing is said */
  readonly reason?: string | undefined;
}

/** What a run is cancelled with. */
export interface CancelHost {
  readonly host: RunHost;
  /** What the pipeline is at this moment. */
  readonly definition: () => Definition;
  /** Goes on with a run; throws `ConflictError` while another process works on it. */
  readonly goOn: (id: string, options: ContinueOptions) => Promise<unknown>;
}

const schema = z.strictObject({
  by: z.optional(z.string().check(z.minLength(1), z.maxLength(500), wellFormedCheck)),
  reason: z.optional(z.string().check(z.maxLength(10_000), wellFormedCheck)),
  signal: signalOption,
});
// How soon a run is looked at again that somebody else works on.
const pauses = { leastMs: 20, mostMs: 1_000 };

/** Records that a run is to be cancelled; who works on it finds that, and one that nobody works on is brought to its end here. */
export async function cancelRun(cancelling: CancelHost, id: string, options: CancelOptions): Promise<RunCancellation> {
  const { signal, ...cause } = check(schema, options, 'options');
  throwIfAborted(signal, `Cancelling run ${String(id)}`);
  const unbegun = await cancelUnbegun(cancelling, id, cause, { signal });
  if (unbegun) return unbegun;
  const head = await request(cancelling, id, cause, { signal });
  if (!hasEnded(head.status) && !(await isHeld(cancelling, head))) await untilAborted(goOn(cancelling, id), signal, `Waiting for the end of run ${id}`);
  return cancellationOf(head)!;
}

/** The same of a run that a step of another is: one that was not begun, or has ended, is left as it is. */
export async function cancelChild(cancelling: CancelHost, id: string, cause: CancelCause): Promise<void> {
  const head = await cancelling.host.store.head(id);
  if (head === undefined || hasEnded(head.status)) return;
  try {
    await request(cancelling, id, cause, {});
  } catch (error) {
    // It has come to its end meanwhile.
    if (!isModelkeepError(error, 'conflict')) throw error;
  }
}

/** The same, until it has ended, whoever works on it meanwhile. */
export async function cancelChildToEnd(cancelling: CancelHost, id: string, cause: CancelCause): Promise<void> {
  const { store, clock } = cancelling.host;
  await cancelChild(cancelling, id, cause);
  for (;;) {
    const head = await store.head(id);
    if (head === undefined || hasEnded(head.status) || (await goOn(cancelling, id))) return;
    const [lease] = await store.leases([id]);
    await sleep(clock, Math.min(Math.max((lease?.expiresAt ?? 0) - clock.now(), pauses.leastMs), pauses.mostMs));
  }
}

/** Records it, under a note by which whoever keeps the pipeline finds the run should this process die before it has ended. */
async function request({ host: { store, watches } }: CancelHost, id: string, cause: CancelCause, options: OperationOptions): Promise<RunHead> {
  const { round, status } = await store.presentHead(id, options);
  if (!hasEnded(status) && (await store.waitingNote(id)) !== round) await store.noteWaiting({ id, round });
  try {
    const head = await store.requestCancel(id, causeOf(cause), options);
    if (hasEnded(head.status)) await store.forgetRound(head);
    return head;
  } catch (error) {
    if (isModelkeepError(error, 'conflict')) await store.forgetRound({ id, round });
    throw error;
  } finally {
    for (const watch of watches) if (watch.run === id) watch.wake();
  }
}

/** Whether a process works on a run, which then finds what was recorded. */
async function isHeld({ host: { store, clock } }: CancelHost, { id, status }: RunHead): Promise<boolean> {
  const [lease] = await store.leases([id]);
  return status === 'running' && lease !== undefined && lease.expiresAt > clock.now();
}

/** Brings a run to its end, unless somebody else does: `false` then. */
async function goOn(cancelling: CancelHost, id: string): Promise<boolean> {
  try {
    await cancelling.goOn(id, { again: false });
    return true;
  } catch (error) {
    if (isModelkeepError(error, 'conflict')) return false;
    throw error;
  }
}

/** Has a run that a schedule or trigger has decided upon ended before anybody begins it. */
async function cancelUnbegun({ host, definition }: CancelHost, id: string, given: CancelCause, options: OperationOptions): Promise<RunCancellation | undefined> {
  const { store, clock } = host;
  if (!isId(id) || (await store.head(id, options)) !== undefined) return undefined;
  const launch = await claimedLaunch(store, id, options);
  if (launch === undefined) return undefined;
  const { params, triggeredBy, interval } = launch;
  const cause = causeOf(given);
  const at = clock.now();
  const cancellation: RunCancellation = { ...cause, at, round: 1 };
  const head: RunHead = { id, pipeline: store.pipeline, params, triggeredBy, interval, status: 'cancelled', definition: definition().shape(), fence: 1, round: 1, startedAt: at, endedAt: at, cancellation };
  await store.noteEnd(head);
  try {
    await store.create(head, { ...host.event(head, 'cancelled', {}), ...cause });
    return cancellation;
  } catch (error) {
    // Somebody was quicker and has begun it.
    if (isModelkeepError(error, 'conflict')) return undefined;
    throw error;
  }
}

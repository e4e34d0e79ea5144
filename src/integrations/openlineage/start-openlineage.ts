import * as z from 'zod/mini';
import { utf8 } from '../../core/bytes.ts';
import type { Message } from '../../core/delivery/send-message.ts';
import { escapeSegment } from '../../core/key.ts';
import { check } from '../../core/schema.ts';
import { readRound } from '../../pipelines/history/read-round.ts';
import { roundMoments, type RoundMoment } from '../../pipelines/history/round-moments.ts';
import { roundRecords } from '../../pipelines/history/round-records.ts';
import { RunStore } from '../../pipelines/run-store.ts';
import { checkStoredDelivery, startStoredDelivery, type RunningDelivery, type StoredDeliveryOptions } from '../../storage/stored-delivery.ts';
import { beginningOf, eventsAfter } from './round-events.ts';
import type { LineageRunEvent } from './run-event.ts';

/** Whose runs are told to an OpenLineage receiver, where it is, and how. */
export interface StartOpenLineageOptions extends StoredDeliveryOptions {
  /** Name of the pipeline, whose runs `storage` holds. It need not be defined in this process. */
  readonly pipeline: string;
  /** The namespace of its jobs and datasets. */
  readonly namespace: string;
  /** The URI that events name as their producer. @default 'pkg:npm/modelkeep' */
  readonly producer?: string | undefined;
}

const text = z.string().check(z.minLength(1), z.maxLength(1000));
const schema = z.object({
  pipeline: text,
  namespace: text,
  producer: z.optional(z.string().check(z.refine((uri) => URL.canParse(uri), 'must be an absolute URI'))),
});

/**
 * Tells a receiver of OpenLineage, such as Marquez or DataHub, of the runs of a pipeline and of their steps, as RunEvents of version 2-0-2. Each arrives at least once, whatever becomes of this process, in order per run, and with the same
 * bytes when it is sent again: how far it came is a record of the storage, as with {@link startWebhook}, which also says when an event is tried again. Any process that can read the store may do it, and the pipeline need not be defined there.
 *
 * The START of a pipeline's run is sent while it runs or waits; all else when it has ended, with the times at which it happened: RUNNING where it was gone on with, the START, RUNNING (a retry) and COMPLETE, FAIL or ABORT of each step that ran
 * or whose output was taken from the cache, and the end of the run. A run that is resumed after it had ended is another run to OpenLineage, where each ends once; so is each step in each of these. Steps are jobs named `pipeline.step`; what they put out are datasets
 * `steps/pipeline.step` whose version is the digest. Where Tracker and Registry use the same store, the datasets and model versions of a step's tracked run are named as well.
 * A step that failed and was tried again by `resume` before the end of its run was read is told with its last end only.
 *
 * Run a name in one process at a time: two of them send everything twice, though they lose nothing. Resolves when its place is stored. Throws `ValidationError` when an option is not what it must be, and what the storage throws when it cannot be
 * read.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Pipeline, startOpenLineage } from 'modelkeep';
 *
 * const storage = new MemoryStorage();
 * const pipeline = new Pipeline({ name: 'retrain', storage });
 * pipeline.step('train', {}, () => 'trained');
 * const lineage = await startOpenLineage({
 *   name: 'marquez',
 *   storage,
 *   pipeline: 'retrain',
 *   namespace: 'production',
 *   url: 'https://marquez.example.test/api/v1/lineage',
 *   fetch: async (request) => {
 *     console.log(await request.text());
 *     return new Response();
 *   },
 * });
 * await pipeline.run();
 * await lineage.flush();
 * await lineage.close();
 * ```
 */
export async function startOpenLineage(options: StartOpenLineageOptions): Promise<RunningDelivery> {
  const { pipeline, namespace, producer = 'pkg:npm/modelkeep' } = check(schema, options, 'options');
  const { pipeline: _, namespace: __, producer: ___, ...rest } = options;
  const settings = checkStoredDelivery(rest, ['content-type']);
  const { clock } = settings.delivery;
  const store = new RunStore(settings.storage, pipeline, clock);
  const terms = { namespace, producer };
  const messages = async function* ({ run, round: number, has, wasBegun }: RoundMoment, signal: AbortSignal): AsyncGenerator<Message, void, undefined> {
    const round = await readRound(store, clock, run, number, { signal });
    if (round === undefined) return;
    if (!wasBegun) yield messageOf(beginningOf(terms, round));
    if (has === 'begun') return;
    for (const event of eventsAfter(terms, round, await roundRecords(store, round, { signal }))) yield messageOf(event);
  };
  return startStoredDelivery({ key: `openlineage/${escapeSegment(settings.name)}`, source: roundMoments(store, pipeline), who: 'The OpenLineage sender', messages }, settings);
}

function messageOf(event: LineageRunEvent): Message {
  const { eventType, run, job } = event;
  return { what: `Event ${eventType} of run ${run.runId} (${job.name})`, details: { event: eventType, run: run.runId, job: job.name }, body: utf8(JSON.stringify(event)) };
}

import type { FailureRecord } from '../../core/failure.ts';
import type { RunRound } from '../../pipelines/history/read-round.ts';
import type { RoundRecords } from '../../pipelines/history/round-records.ts';
import type { StepHistory } from '../../pipelines/history/read-run.ts';
import { withCause, type CancelCause } from '../../pipelines/cancelling/cancellation.ts';
import type { RunCause } from '../../pipelines/launching/run-cause.ts';
import { datasetsOf, modelsOf, type Datasets } from './datasets.ts';
import { jobName, lineageRunId, type Subject } from './names.ts';
import { facet, runEventSchema, type EventTerms, type Facets, type LineageRunEvent, type RunEventType } from './run-event.ts';

/** Makes the events of one run: of a pipeline, or of a step. */
type EventMaker = (eventType: RunEventType, at: number, more?: { readonly datasets?: Datasets | undefined; readonly failure?: FailureRecord | undefined }) => LineageRunEvent;

const endings = { succeeded: 'COMPLETE', failed: 'FAIL', cancelled: 'ABORT' } as const satisfies Readonly<Record<string, RunEventType>>;

/** That a round has begun. */
export function beginningOf(terms: EventTerms, round: RunRound): LineageRunEvent {
  return roundMaker(terms, round)('START', round.startedAt);
}

/** What came behind the beginning of a round that has ended, each run in order: the steps that ran, and the end of the whole. */
export function* eventsAfter(terms: EventTerms, round: RunRound, records: RoundRecords): Generator<LineageRunEvent, void, undefined> {
  const make = roundMaker(terms, round);
  for (const at of round.resumedAt) yield make('RUNNING', at);
  for (const step of round.steps) yield* stepEvents(terms, round, step, records);
  if (round.end === undefined) return;
  const { status, at, failure = cancelFailure(round.end.cancelled) } = round.end;
  const datasets = { inputs: [], outputs: modelsOf(terms, records.run.made) };
  yield make(endings[status], at, { datasets, failure });
}

function* stepEvents(terms: EventTerms, round: RunRound, step: StepHistory, records: RoundRecords): Generator<LineageRunEvent, void, undefined> {
  const { name, status, attempts, failures, startedAt, endedAt = startedAt ?? round.startedAt } = step;
  // What never began has no run.
  if (!(status in endings) || (status === 'cancelled' && attempts === 0)) return;
  const make = stepMaker(terms, round, step);
  const datasets = datasetsOf(terms, round.head.pipeline, step, records.steps.get(name));
  yield make('START', startedAt ?? endedAt, { datasets: { inputs: datasets.inputs, outputs: [] } });
  for (const failed of failures) if (failed.attempt < attempts || status === 'succeeded') yield make('RUNNING', failed.at);
  yield make(endings[status as keyof typeof endings], endedAt, { datasets, failure: step.failure });
}

/** Why a run was cancelled, if that was said. */
function cancelFailure(cause: CancelCause = {}): FailureRecord | undefined {
  return cause.by === undefined && cause.reason === undefined ? undefined : { name: 'AbortedError', code: 'aborted', message: withCause({ first: 'The run was cancelled' }, cause) };
}

function roundMaker(terms: EventTerms, { head, round, parents }: RunRound): EventMaker {
  const { producer } = terms;
  const { pipeline, id, interval, triggeredBy } = head;
  const subject: Subject = { pipeline, run: id, round };
  const cause = causeText(triggeredBy);
  return maker(terms, subject, 'PIPELINE', {
    ...parentFacet(terms, parents),
    ...(interval && { nominalTime: facet(producer, 'NominalTimeRunFacet', { nominalStartTime: timeText(interval.start), nominalEndTime: timeText(interval.end) }) }),
    ...(cause !== undefined && tagsFacet(terms, 'started-by', cause)),
  });
}

function stepMaker(terms: EventTerms, { head: { id: run, pipeline }, round, parents }: RunRound, { name: step, cache }: StepHistory): EventMaker {
  const above: Subject = { pipeline, run, round };
  return maker(terms, { ...above, step }, 'STEP', { ...parentFacet(terms, [above, ...parents]), ...(cache && tagsFacet(terms, 'cached-from', cache.run)) });
}

function maker(terms: EventTerms, subject: Subject, jobType: string, facets: Facets): EventMaker {
  const { namespace, producer } = terms;
  const job = { namespace, name: jobName(subject), facets: { jobType: facet(producer, 'JobTypeJobFacet', { processingType: 'BATCH', integration: 'MODELKEEP', jobType }) } };
  const runId = lineageRunId(subject);
  return (eventType, at, { datasets = { inputs: [], outputs: [] }, failure } = {}) => {
    const error = failure && { errorMessage: facet(producer, 'ErrorMessageRunFacet', { message: failure.message, programmingLanguage: 'JavaScript' }) };
    return { eventType, eventTime: timeText(at), run: { runId, facets: { ...facets, ...error } }, job, ...datasets, producer, schemaURL: runEventSchema };
  };
}

/** The nearest of those above, and the farthest pipeline as the root. */
function parentFacet(terms: EventTerms, above: readonly Subject[]): Facets {
  const [parent, root] = [above[0], above.at(-1)];
  if (parent === undefined || root === undefined) return {};
  const { pipeline, run, round } = root;
  return { parent: facet(terms.producer, 'ParentRunFacet', { ...refTo(terms, parent), root: refTo(terms, { pipeline, run, round }) }) };
}

function refTo({ namespace }: EventTerms, subject: Subject): Readonly<Record<string, unknown>> {
  return { run: { runId: lineageRunId(subject) }, job: { namespace, name: jobName(subject) } };
}

function tagsFacet({ producer }: EventTerms, key: string, value: string): Facets {
  return { tags: facet(producer, 'TagsRunFacet', { tags: [{ key, value, source: 'MODELKEEP' }] }) };
}

function causeText(cause: RunCause | undefined): string | undefined {
  if (cause === undefined || cause.kind === 'call') return cause?.kind;
  return `${cause.kind} ${cause.kind === 'pipeline' ? cause.pipeline : cause.name}`;
}

function timeText(at: number): string {
  return new Date(at).toISOString();
}

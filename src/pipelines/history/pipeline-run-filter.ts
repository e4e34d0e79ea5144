import type { AttributeField } from '../../core/search/search-subjects.ts';
import type { EqualityTest, NonFiniteText, OrderTest, PatternTest, SearchFilter } from '../../core/search/search-filter.ts';
import type { SortDirection } from '../../core/search/search-vocabulary.ts';
import type { RunCause } from '../launching/run-cause.ts';
import type { PipelineRunSummary } from './run-summary.ts';

/** Fields of a pipeline run that are numbers: epoch milliseconds, or milliseconds. The interval is the time whose data the run is about. */
export type PipelineRunNumberAttribute = 'startedAt' | 'endedAt' | 'duration' | 'intervalStart' | 'intervalEnd';

/**
 * Fields of a pipeline run that are free texts: `causeName` is the name of the schedule, trigger or pipeline that began it, `startedBy` is who called `run`, `cancelledBy` is who called `cancel`, `source` and `event` are the ids of what a trigger acted upon, `parentRun` is the id of the run
 * of another pipeline for a step of which it is.
 */
export type PipelineRunTextAttribute = 'id' | 'owner' | 'causeName' | 'startedBy' | 'cancelledBy' | 'source' | 'event' | 'parentRun';

/** Fields of a pipeline run that are one of a few words, in any case: where it stands, and what began it (`call`, `schedule`, `backfill`, `trigger` or `pipeline`). */
export type PipelineRunWordAttribute = 'status' | 'cause';

/** Fields of a pipeline run that can be searched. */
export type PipelineRunAttribute = PipelineRunNumberAttribute | PipelineRunTextAttribute | PipelineRunWordAttribute;

/** What a field of the run itself must be; times are epoch milliseconds, the duration milliseconds. */
export type PipelineRunAttributeCondition =
  | ({
      /** Which field of the run. */
      readonly attribute: PipelineRunNumberAttribute;
    } & OrderTest<number | NonFiniteText>)
  | ({
      /** Which field of the run. */
      readonly attribute: PipelineRunTextAttribute;
    } & (OrderTest<string> | PatternTest))
  | ({
      /** Which field of the run. */
      readonly attribute: PipelineRunWordAttribute;
    } & (EqualityTest<string> | PatternTest));

/** What a param must be, as text: numbers and booleans as JavaScript prints them, lists and objects as JSON with sorted keys. */
export type PipelineRunParamCondition = {
  /** The name of the param, or the names that lead to one inside it, joined by dots. */
  readonly param: string;
} & (OrderTest<string> | PatternTest);

/** Where a step of the run must stand: `pending`, `retrying`, `waiting`, `succeeded`, `failed`, `skipped`, `upstream_failed` or `cancelled`, in any case, as `getRun` tells it. */
export type PipelineRunStepCondition = {
  /** The name of the step. A run whose pipeline had no such step does not meet it. */
  readonly step: string;
} & (EqualityTest<string> | PatternTest);

/** What must have been given to a step of the run, told by its digest as `getRun` has it; another condition may be met by another input. */
export type PipelineRunInputCondition = {
  /** What is asked of the input. */
  readonly input: 'digest';
} & (OrderTest<string> | PatternTest);

/** What a step of the run must have put out, told by its digest as `getRun` has it; another condition may be met by another output. */
export type PipelineRunOutputCondition = {
  /** What is asked of the output. */
  readonly output: 'digest';
} & (OrderTest<string> | PatternTest);

/** One question to a pipeline run: what is asked about, and one test. */
export type PipelineRunCondition = PipelineRunAttributeCondition | PipelineRunParamCondition | PipelineRunStepCondition | PipelineRunInputCondition | PipelineRunOutputCondition;

/** Which pipeline runs are meant, as plain data: a condition, or conditions joined by `and`, `or` and `not`, as with the runs of a Tracker. */
export type PipelineRunFilter = SearchFilter<PipelineRunCondition>;

/** One key that pipeline runs are sorted by; runs that lack it come last either way. */
export type PipelineRunOrder = (
  | {
      /** Which field of the run. */
      readonly attribute: PipelineRunAttribute;
    }
  | {
      /** The name of the param. */
      readonly param: string;
    }
  | {
      /** The name of the step, by whose status, as text, runs are sorted. */
      readonly step: string;
    }
) & {
  /** @default 'asc' */
  readonly direction?: SortDirection | undefined;
};

const causes = /* @__PURE__ */ Object.keys({ call: true, schedule: true, backfill: true, trigger: true, pipeline: true } satisfies Record<RunCause['kind'], true>);

/** How each attribute is read. A run that has not ended has no duration. */
export const pipelineRunAttributes: Readonly<Record<PipelineRunAttribute, AttributeField<PipelineRunSummary>>> = {
  id: { kind: 'text', of: ({ id }) => id },
  status: { kind: 'word', words: ['running', 'interrupted', 'waiting', 'succeeded', 'failed', 'cancelled'], of: ({ status }) => status },
  startedAt: { kind: 'number', of: ({ timings }) => timings.startedAt },
  endedAt: { kind: 'number', of: ({ timings }) => timings.endedAt },
  duration: { kind: 'number', of: ({ timings }) => timings.durationMs },
  owner: { kind: 'text', of: ({ owner }) => owner },
  cause: { kind: 'word', words: causes, of: ({ triggeredBy }) => triggeredBy?.kind },
  causeName: { kind: 'text', of: ({ triggeredBy }) => causeName(triggeredBy) },
  startedBy: { kind: 'text', of: ({ triggeredBy }) => (triggeredBy?.kind === 'call' ? triggeredBy.by : undefined) },
  cancelledBy: { kind: 'text', of: ({ cancellation }) => cancellation?.by },
  source: { kind: 'text', of: ({ triggeredBy }) => (triggeredBy?.kind === 'trigger' ? triggeredBy.source : undefined) },
  event: { kind: 'text', of: ({ triggeredBy }) => (triggeredBy?.kind === 'trigger' ? triggeredBy.event : undefined) },
  parentRun: { kind: 'text', of: ({ triggeredBy }) => (triggeredBy?.kind === 'pipeline' ? triggeredBy.run : undefined) },
  intervalStart: { kind: 'number', of: ({ interval }) => interval?.start },
  intervalEnd: { kind: 'number', of: ({ interval }) => interval?.end },
};

function causeName(cause: RunCause | undefined): string | undefined {
  if (cause?.kind === 'pipeline') return cause.pipeline;
  return cause && 'name' in cause ? cause.name : undefined;
}

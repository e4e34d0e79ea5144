import type { AttributeField } from '../../core/search/search-subjects.ts';
import type { EqualityTest, NonFiniteText, OrderTest, PatternTest, SearchFilter } from '../../core/search/search-filter.ts';
import type { SortDirection } from '../../core/search/search-vocabulary.ts';
import type { RunCause } from '../launching/run-cause.ts';
import type { PipelineRunSummary } from './run-summary.ts';

/** Fields of a pipeline run that are numbers: epoch milliseconds, or milliseconds. The interval is the time whose data the run is about. */
export type PipelineRunNumberAttribute = 'startedAt' | 'endedAt' | 'duration' | 'intervalStart' | 'intervalEnd';

/** Fields of a pipeline run that are free texts: `causeName` is the name of the schedule or trigger that began it, `startedBy` is who called `run`, `source` and `event` are the ids of what a trigger acted upon. */
export type PipelineRunTextAttribute = 'id' | 'owner' | 'causeName' | 'startedBy' | 'source' | 'event';

/** Fields of a pipeline run that are one of a few words, in any case: where it stands, and what began it (`call`, `schedule`, `backfill` or `trigger`). */
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

/** One question to a pipeline run: what is asked about, and one test. */
export type PipelineRunCondition = PipelineRunAttributeCondition | PipelineRunParamCondition;

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
) & {
  /** @default 'asc' */
  readonly direction?: SortDirection | undefined;
};

const causes = ['call', 'schedule', 'backfill', 'trigger'] as const satisfies readonly RunCause['kind'][];

/** How each attribute is read. A run that has not ended has no duration. */
export const pipelineRunAttributes: Readonly<Record<PipelineRunAttribute, AttributeField<PipelineRunSummary>>> = {
  id: { kind: 'text', of: ({ id }) => id },
  status: { kind: 'word', words: ['running', 'interrupted', 'waiting', 'succeeded', 'failed', 'cancelled'], of: ({ status }) => status },
  startedAt: { kind: 'number', of: ({ timings }) => timings.startedAt },
  endedAt: { kind: 'number', of: ({ timings }) => timings.endedAt },
  duration: { kind: 'number', of: ({ timings }) => timings.durationMs },
  owner: { kind: 'text', of: ({ owner }) => owner },
  cause: { kind: 'word', words: causes, of: ({ triggeredBy }) => triggeredBy?.kind },
  causeName: { kind: 'text', of: ({ triggeredBy }) => (triggeredBy && 'name' in triggeredBy ? triggeredBy.name : undefined) },
  startedBy: { kind: 'text', of: ({ triggeredBy }) => (triggeredBy?.kind === 'call' ? triggeredBy.by : undefined) },
  source: { kind: 'text', of: ({ triggeredBy }) => (triggeredBy?.kind === 'trigger' ? triggeredBy.source : undefined) },
  event: { kind: 'text', of: ({ triggeredBy }) => (triggeredBy?.kind === 'trigger' ? triggeredBy.event : undefined) },
  intervalStart: { kind: 'number', of: ({ interval }) => interval?.start },
  intervalEnd: { kind: 'number', of: ({ interval }) => interval?.end },
};

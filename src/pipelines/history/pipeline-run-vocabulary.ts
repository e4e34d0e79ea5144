import type { Encodable } from '../../core/codec.ts';
import { attributeFields, manyFields, namedValues, namedWords } from '../../core/search/search-subjects.ts';
import type { SearchVocabulary } from '../../core/search/search-vocabulary.ts';
import { valueText } from '../../core/search/value-text.ts';
import type { StepStatus } from '../run-state.ts';
import { pipelineRunAttributes } from './pipeline-run-filter.ts';
import type { SearchablePipelineRun } from './searchable-run.ts';

// A step that runs at this moment is told as pending.
const stepStatuses = /* @__PURE__ */ Object.keys({ pending: true, retrying: true, waiting: true, succeeded: true, failed: true, skipped: true, upstream_failed: true, cancelled: true } satisfies Record<Exclude<StepStatus, 'running'>, true>);

/** What can be searched for among the runs of a pipeline. The later start comes first, and ids decide between equals. */
export const pipelineRunVocabulary: SearchVocabulary<SearchablePipelineRun> = /* @__PURE__ */ (() => ({
  plural: 'runs',
  examples: { name: 'status', filter: "{ attribute: 'status', eq: 'failed' }", order: "{ attribute: 'duration', direction: 'desc' }" },
  subjects: {
    attribute: attributeFields<SearchablePipelineRun>(['attributes', 'attribute', 'attr', 'run'], pipelineRunAttributes, { start_time: 'startedAt', end_time: 'endedAt', triggeredby: 'cause' }),
    param: namedValues<SearchablePipelineRun>(['params', 'param', 'parameters', 'parameter'], 'text', paramReader),
    step: namedWords<SearchablePipelineRun>(['steps', 'step'], stepStatuses, (name) => ({ steps }) => steps?.statuses.get(name)),
    input: manyFields<SearchablePipelineRun>(['inputs', 'input'], { digest: ({ steps }, passes) => steps?.inputs.some(passes) ?? false }, {}),
    output: manyFields<SearchablePipelineRun>(['outputs', 'output'], { digest: ({ steps }, passes) => steps?.outputs.some(passes) ?? false }, {}),
  },
  bare: 'attribute',
  ties: [
    { kind: 'number' as const, direction: 'desc' as const, read: (run: SearchablePipelineRun) => run.timings.startedAt },
    { kind: 'string' as const, direction: 'desc' as const, read: (run: SearchablePipelineRun) => run.id },
  ],
}))();

/** A param of that very name, else the one that the parts of the name lead to. */
function paramReader(name: string): (run: SearchablePipelineRun) => string | undefined {
  const path = name.split('.');
  return ({ params }) => valueText((memberOf(params, name) ?? path.reduce(memberOf, params)) as Encodable | undefined);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

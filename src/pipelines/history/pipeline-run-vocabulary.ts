import type { Encodable } from '../../core/codec.ts';
import { attributeFields, namedValues } from '../../core/search/search-subjects.ts';
import type { SearchVocabulary } from '../../core/search/search-vocabulary.ts';
import { valueText } from '../../core/search/value-text.ts';
import { pipelineRunAttributes } from './pipeline-run-filter.ts';
import type { PipelineRunSummary } from './run-summary.ts';

/** What can be searched for among the runs of a pipeline. The later start comes first, and ids decide between equals. */
export const pipelineRunVocabulary: SearchVocabulary<PipelineRunSummary> = /* @__PURE__ */ (() => ({
  plural: 'runs',
  subjects: {
    attribute: attributeFields<PipelineRunSummary>(['attributes', 'attribute', 'attr', 'run'], pipelineRunAttributes, { start_time: 'startedAt', end_time: 'endedAt', triggeredby: 'cause' }),
    param: namedValues<PipelineRunSummary>(['params', 'param', 'parameters', 'parameter'], 'text', paramReader),
  },
  bare: 'attribute',
  ties: [
    { kind: 'number' as const, direction: 'desc' as const, read: (run: PipelineRunSummary) => run.timings.startedAt },
    { kind: 'string' as const, direction: 'desc' as const, read: (run: PipelineRunSummary) => run.id },
  ],
}))();

/** A param of that very name, else the one that the parts of the name lead to. */
function paramReader(name: string): (run: PipelineRunSummary) => string | undefined {
  const path = name.split('.');
  return ({ params }) => valueText((memberOf(params, name) ?? path.reduce(memberOf, params)) as Encodable | undefined);
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

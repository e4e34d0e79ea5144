import { compileFilter } from '../../core/search/compile-filter.ts';
import { asksAbout, conjuncts, filterParts, namesAsked } from '../../core/search/filter-parts.ts';
import type { AnyFilter } from '../../core/search/search-filter.ts';
import type { CheckedOrder } from '../../core/search/search-order.ts';
import { pipelineRunVocabulary } from './pipeline-run-vocabulary.ts';
import type { PipelineRunSummary } from './run-summary.ts';

/** What has to be read of the steps of runs to answer a search. */
export interface StepQuestion {
  /** The steps whose status is asked for. */
  readonly names: ReadonlySet<string>;
  /** Whether it is asked what steps were given or put out. */
  readonly digests: boolean;
  /** Whether a run may be found at all, as its head goes; of others no steps are read. */
  readonly passes: (run: PipelineRunSummary) => boolean;
}

/** What a search asks of steps; `undefined` when it asks nothing. */
export function stepQuestion(filter: AnyFilter, orders: readonly CheckedOrder[]): StepQuestion | undefined {
  const names = new Set([...namesAsked(pipelineRunVocabulary, filter, 'step'), ...orders.flatMap(({ subject, name }) => (subject === 'step' ? [name] : []))]);
  const digests = asksDigests(filter);
  if (names.size === 0 && !digests) return undefined;
  const ofHeads = conjuncts(pipelineRunVocabulary, filter).filter((part) => !asksDigests(part) && !asksAbout(pipelineRunVocabulary, part, 'step'));
  return { names, digests, passes: compileFilter(pipelineRunVocabulary, { and: ofHeads }) };
}

/** Digests of which a run has made one, or a step of it was given one, if it is found; `undefined` when runs without any may be found. */
export function digestsSought(filter: AnyFilter): readonly string[] | undefined {
  for (const part of conjuncts(pipelineRunVocabulary, filter)) {
    const parts = filterParts(pipelineRunVocabulary, part);
    if (parts.joint !== undefined || (parts.subject !== 'input' && parts.subject !== 'output')) continue;
    if (parts.test === 'eq') return [parts.value as string];
    if (parts.test === 'in') return [...new Set(parts.value as readonly string[])];
  }
  return undefined;
}

function asksDigests(filter: AnyFilter): boolean {
  return asksAbout(pipelineRunVocabulary, filter, 'input') || asksAbout(pipelineRunVocabulary, filter, 'output');
}

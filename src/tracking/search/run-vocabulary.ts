import { attributeFields, manyFields, namedValues } from '../../core/search/search-subjects.ts';
import type { SearchVocabulary } from '../../core/search/search-vocabulary.ts';
import { valueText } from '../../core/search/value-text.ts';
import { runAttributeAliases, runAttributes, type DatasetField } from './run-attributes.ts';
import type { SearchableRun } from './searchable-run.ts';

type SomeDataset = (run: SearchableRun, passes: (value: string) => boolean) => boolean;

const datasetFields: Readonly<Record<DatasetField, SomeDataset>> = {
  name: ({ datasets = [] }, passes) => datasets.some(({ name }) => passes(name)),
  digest: ({ datasets = [] }, passes) => datasets.some(({ digest }) => passes(digest)),
  role: ({ datasets = [] }, passes) => datasets.some(({ role }) => passes(role)),
};

/** What can be searched for among runs. The later start comes first, and ids decide between equals. */
export const runVocabulary: SearchVocabulary<SearchableRun> = /* @__PURE__ */ (() => ({
  plural: 'runs',
  examples: { name: 'metrics.loss', filter: "{ metric: 'loss', lt: 0.1 }", order: "{ metric: 'loss', direction: 'desc' }" },
  subjects: {
    metric: namedValues<SearchableRun>(['metrics', 'metric'], 'number', (name) => (run) => (Object.hasOwn(run.metrics, name) ? run.metrics[name]!.value : undefined)),
    param: namedValues<SearchableRun>(['params', 'param', 'parameters', 'parameter'], 'text', (name) => (run) => (Object.hasOwn(run.params, name) ? valueText(run.params[name]) : undefined)),
    tag: namedValues<SearchableRun>(['tags', 'tag'], 'text', (name) => (run) => (Object.hasOwn(run.tags, name) ? run.tags[name] : undefined)),
    attribute: attributeFields<SearchableRun>(['attributes', 'attribute', 'attr', 'run'], runAttributes, runAttributeAliases),
    // MLflow calls the role context.
    dataset: manyFields<SearchableRun>(['datasets', 'dataset'], datasetFields, { context: 'role' }),
  },
  bare: 'attribute',
  ties: [
    { kind: 'number' as const, direction: 'desc' as const, read: (run: SearchableRun) => run.startedAt },
    { kind: 'string' as const, direction: 'asc' as const, read: (run: SearchableRun) => run.id },
  ],
}))();

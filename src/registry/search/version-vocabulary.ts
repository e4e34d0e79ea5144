import { attributeFields, manyFields, namedValues } from '../../core/search/search-subjects.ts';
import type { SearchVocabulary } from '../../core/search/search-vocabulary.ts';
import type { ModelVersion } from '../model-version.ts';
import type { VersionDataset } from '../version-facts.ts';
import { versionAttributeAliases, versionAttributes, type VersionDatasetField, type VersionFileField } from './version-attributes.ts';

type Some = (version: ModelVersion, passes: (value: string) => boolean) => boolean;

const someDataset = (field: VersionDatasetField): Some => (version, passes) =>
  datasetsOf(version).some((dataset) => dataset[field] !== undefined && passes(dataset[field]));
const datasetFields: Readonly<Record<VersionDatasetField, Some>> = { name: /* @__PURE__ */ someDataset('name'), digest: /* @__PURE__ */ someDataset('digest'), role: /* @__PURE__ */ someDataset('role') };
const fileFields: Readonly<Record<VersionFileField, Some>> = {
  path: ({ files }, passes) => files.some(({ path }) => passes(path)),
  digest: ({ files }, passes) => files.some(({ digest }) => passes(digest)),
};

/** What can be searched for among versions. The later registration comes first; the name of the model and the higher number decide between equals. */
export const versionVocabulary: SearchVocabulary<ModelVersion> = /* @__PURE__ */ (() => ({
  plural: 'versions',
  examples: { name: 'metrics.auc', filter: "{ metric: 'auc', gt: 0.8 }", order: "{ metric: 'auc', direction: 'desc' }" },
  subjects: {
    metric: namedValues<ModelVersion>(['metrics', 'metric'], 'number', (name) => ({ metrics }) => (Object.hasOwn(metrics, name) ? metrics[name] : undefined)),
    tag: namedValues<ModelVersion>(['tags', 'tag'], 'text', (name) => ({ tags }) => (Object.hasOwn(tags, name) ? tags[name] : undefined)),
    attribute: attributeFields<ModelVersion>(['attributes', 'attribute', 'attr', 'version'], versionAttributes, versionAttributeAliases),
    dataset: manyFields<ModelVersion>(['datasets', 'dataset'], datasetFields, { context: 'role' }),
    file: manyFields<ModelVersion>(['files', 'file'], fileFields, {}),
  },
  bare: 'attribute',
  ties: [
    { kind: 'number' as const, direction: 'desc' as const, read: (version: ModelVersion) => version.createdAt },
    { kind: 'string' as const, direction: 'asc' as const, read: (version: ModelVersion) => version.model },
    { kind: 'number' as const, direction: 'desc' as const, read: (version: ModelVersion) => version.version },
  ],
}))();

/** Every dataset that a version was registered with. */
export function datasetsOf({ dataset, datasets = [] }: ModelVersion): readonly VersionDataset[] {
  return dataset === undefined ? datasets : [dataset, ...datasets];
}

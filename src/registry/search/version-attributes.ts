import type { AttributeField } from '../../core/search/search-subjects.ts';
import type { ModelVersion } from '../model-version.ts';
import { stages } from '../stages.ts';

/** Fields of a version that are numbers: its number, epoch milliseconds, or bytes. */
export type VersionNumberAttribute = 'version' | 'createdAt' | 'size';

/** Fields of a version that are free texts. `framework` is its name, `features` the name of the feature service; a version may have several of `alias`, one of which must meet a condition. */
export type VersionTextAttribute =
  | 'model'
  | 'alias'
  | 'digest'
  | 'createdBy'
  | 'description'
  | 'run'
  | 'pipelineRun'
  | 'features'
  | 'flavor'
  | 'framework'
  | 'frameworkVersion'
  | 'licence';

/** Fields of a version that are one of a few words, in any case: where it stands, and whether it is `active` or `retired`. */
export type VersionWordAttribute = 'stage' | 'lifecycle';

/** Fields of a version that can be searched. */
export type VersionAttribute = VersionNumberAttribute | VersionTextAttribute | VersionWordAttribute;

/** Fields of a version's datasets that can be searched. */
export type VersionDatasetField = 'name' | 'digest' | 'role';

/** Fields of a version's files that can be searched. */
export type VersionFileField = 'path' | 'digest';

/** How each attribute is read. */
export const versionAttributes: Readonly<Record<VersionAttribute, AttributeField<ModelVersion>>> = {
  model: { kind: 'text', of: ({ model }) => model },
  version: { kind: 'number', of: ({ version }) => version },
  stage: { kind: 'word', words: stages, of: ({ stage }) => stage },
  alias: { kind: 'texts', plural: 'aliases', some: ({ aliases }, passes) => aliases.some(passes) },
  lifecycle: { kind: 'word', words: ['active', 'retired'], of: ({ retired }) => (retired ? 'retired' : 'active') },
  createdAt: { kind: 'number', of: ({ createdAt }) => createdAt },
  createdBy: { kind: 'text', of: ({ createdBy }) => createdBy },
  description: { kind: 'text', of: ({ description }) => description },
  digest: { kind: 'text', of: ({ digest }) => digest },
  size: { kind: 'number', of: ({ size }) => size },
  run: { kind: 'text', of: ({ run }) => run },
  pipelineRun: { kind: 'text', of: ({ pipelineRun }) => pipelineRun },
  features: { kind: 'text', of: ({ features }) => features?.service },
  flavor: { kind: 'text', of: ({ flavor }) => flavor },
  framework: { kind: 'text', of: ({ framework }) => framework?.name },
  frameworkVersion: { kind: 'text', of: ({ framework }) => framework?.version },
  licence: { kind: 'text', of: ({ licence }) => licence },
};

/** The names that MLflow has for them, and other spellings. */
export const versionAttributeAliases: Readonly<Record<string, VersionAttribute>> = {
  name: 'model',
  version_number: 'version',
  current_stage: 'stage',
  creation_timestamp: 'createdAt',
  created: 'createdAt',
  user_id: 'createdBy',
  run_id: 'run',
  license: 'licence',
};

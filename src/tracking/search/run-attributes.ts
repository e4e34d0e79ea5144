import type { RunRecord } from '../run-record.ts';

/** Fields of a run that are numbers: epoch milliseconds, milliseconds, or a count. */
export type NumberAttribute = 'startedAt' | 'endedAt' | 'deletedAt' | 'duration' | 'droppedPoints';

/** Fields of a run that are free texts. */
export type TextAttribute = 'id' | 'name' | 'experiment' | 'parent' | 'pipelineRun' | 'group' | 'notes' | 'reason' | 'environment' | 'commit' | 'branch' | 'entry';

/** Fields of a run that are one of a few words, in any case. */
export type WordAttribute = 'status' | 'lifecycle';

/** Fields of a run that can be searched. */
export type RunAttribute = NumberAttribute | TextAttribute | WordAttribute;

/** Fields of a dataset that can be searched. */
export type DatasetField = 'name' | 'digest' | 'role';

type Attribute =
  | { readonly kind: 'number'; readonly of: (run: RunRecord) => number | undefined }
  | { readonly kind: 'text'; readonly of: (run: RunRecord) => string | undefined }
  | { readonly kind: 'word'; readonly words: readonly string[]; readonly of: (run: RunRecord) => string };

/** How each attribute is read. A run that has not ended has no duration. */
export const runAttributes: Readonly<Record<RunAttribute, Attribute>> = {
  id: { kind: 'text', of: (run) => run.id },
  name: { kind: 'text', of: (run) => run.name },
  experiment: { kind: 'text', of: (run) => run.experiment },
  status: { kind: 'word', words: ['running', 'finished', 'failed', 'killed', 'crashed'], of: (run) => run.status },
  startedAt: { kind: 'number', of: (run) => run.startedAt },
  endedAt: { kind: 'number', of: (run) => run.endedAt },
  duration: { kind: 'number', of: (run) => (run.endedAt === undefined ? undefined : run.endedAt - run.startedAt) },
  parent: { kind: 'text', of: (run) => run.parent },
  pipelineRun: { kind: 'text', of: (run) => run.pipelineRun },
  group: { kind: 'text', of: (run) => run.group },
  notes: { kind: 'text', of: (run) => run.notes },
  lifecycle: { kind: 'word', words: ['active', 'deleted'], of: (run) => (run.deletedAt === undefined ? 'active' : 'deleted') },
  deletedAt: { kind: 'number', of: (run) => run.deletedAt },
  reason: { kind: 'text', of: (run) => run.reason },
  droppedPoints: { kind: 'number', of: (run) => run.droppedPoints },
  environment: { kind: 'text', of: (run) => run.environment },
  commit: { kind: 'text', of: (run) => run.code?.commit },
  branch: { kind: 'text', of: (run) => run.code?.branch },
  entry: { kind: 'text', of: (run) => run.code?.entry },
};

/** The names that MLflow has for them. */
export const runAttributeAliases: Readonly<Record<string, RunAttribute>> = {
  run_id: 'id',
  'run id': 'id',
  run_name: 'name',
  'run name': 'name',
  start_time: 'startedAt',
  created: 'startedAt',
  end_time: 'endedAt',
  lifecycle_stage: 'lifecycle',
};

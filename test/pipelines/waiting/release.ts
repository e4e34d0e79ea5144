import { Pipeline, type Clock, type PipelineOptions, type StepHandle, type StorageAdapter } from 'modelkeep';
import type { ApprovalOutput } from 'modelkeep';

/** A pipeline with an approval between two steps. */
export interface Release {
  readonly pipeline: Pipeline;
  readonly approval: StepHandle<ApprovalOutput>;
  readonly released: StepHandle<string>;
}

/** What a release may be made with beside its store. */
export interface ReleaseTerms {
  readonly clock?: Clock | undefined;
  readonly expires?: number | undefined;
  readonly onExpiry?: 'approve' | 'reject' | undefined;
  readonly approvers?: readonly string[] | undefined;
  /** Is told of the work of each step. */
  readonly journal?: ((step: string) => void) | undefined;
  readonly options?: Partial<PipelineOptions<undefined, undefined>> | undefined;
}

/** The same pipeline in every process that defines it. */
export function release(storage: StorageAdapter, { clock, expires, onExpiry, approvers, journal = () => undefined, options }: ReleaseTerms = {}): Release {
  const pipeline = new Pipeline({ name: 'release', storage, clock, ...options });
  const auc = pipeline.step('evaluate', {}, () => (journal('evaluate'), 0.91));
  const approval = pipeline.approval('approve', { needs: { auc }, expires, onExpiry, approvers, ask: ({ inputs }) => (journal('ask'), `Release an AUC of ${inputs.auc}?`) });
  const released = pipeline.step('release', { needs: { approval } }, ({ inputs }) => (journal('release'), `released by ${inputs.approval.by ?? 'nobody'}`));
  return { pipeline, approval, released };
}

import * as z from 'zod/mini';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { standingApprovals } from '../approval.ts';
import { evaluationView } from '../evaluation.ts';
import { describeModel } from '../model-info.ts';
import { parseReference } from '../model-name.ts';
import type { ModelStore } from '../model-store.ts';
import { viewOf } from '../model-version.ts';
import type { DocumentFacts, DocumentOptions } from './document-facts.ts';

/** What a document of a version says besides its records, and how long it is waited for. */
export interface ModelDocumentOptions extends DocumentOptions, OperationOptions {}

const lines = z.optional(z.array(z.string()));
const schema = z.strictObject({ task: z.optional(z.string().check(z.minLength(1))), intendedUse: lines, limitations: lines, signal: signalOption });

/** Checks the options of a document. */
export function checkDocumentOptions(options: ModelDocumentOptions): ModelDocumentOptions {
  return check(schema, options, 'options');
}

/** Reads what the records have of the version that a reference points at. */
export async function readFacts(store: ModelStore, ref: string, { signal }: OperationOptions): Promise<DocumentFacts> {
  const reference = parseReference(ref);
  const { state, record } = await store.find(reference, { signal });
  const [evaluations, approvals, history] = await Promise.all([
    store.evaluations(state, record.version, { signal }),
    store.approvals(state, record.version, { signal }),
    store.history(state.name, { signal }),
  ]);
  const promotion = history.findLast((event) => event.type === 'stage-changed' && event.data.version === record.version && event.data.gates !== undefined);
  return {
    version: viewOf(state, record),
    model: describeModel(state),
    evaluations: evaluations.map(evaluationView),
    approvals: standingApprovals(approvals),
    gates: promotion?.type === 'stage-changed' ? promotion.data.gates : undefined,
  };
}

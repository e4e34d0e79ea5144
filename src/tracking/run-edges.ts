import type { LineageEdge, RecordRef } from '../core/record-ref.ts';
import type { StoredRun } from './run-record.ts';

/** Where a run stands from its start on: what it is part of, and the commit of the code that it runs. */
export function edgesOfStart({ id, parent, pipelineRun, code, startedAt: at }: Pick<StoredRun, 'id' | 'parent' | 'pipelineRun' | 'code' | 'startedAt'>): LineageEdge[] {
  const from: RecordRef = { kind: 'run', id };
  return [
    ...(parent === undefined ? [] : [{ from, relation: 'partOf' as const, to: { kind: 'run' as const, id: parent }, at }]),
    ...(pipelineRun === undefined ? [] : [{ from, relation: 'partOf' as const, to: { kind: 'pipeline-run' as const, id: pipelineRun }, at }]),
    ...(code?.commit === undefined ? [] : [{ from, relation: 'used' as const, to: { kind: 'code' as const, id: code.commit }, at }]),
  ];
}

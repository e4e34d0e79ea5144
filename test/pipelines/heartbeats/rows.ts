import { Pipeline, type StepHandle } from '../../../src/index.ts';
import type { StorageAdapter } from '../../../src/storage/contract.ts';

/** What an attempt does before each row: it waits for the word of the test. */
export type RowGate = (row: number, from: number, signal: AbortSignal) => Promise<void>;

/** A pipeline whose step has four rows, and tells how far it is. */
export function rowsPipeline(storage: StorageAdapter, by: string, gate: RowGate): { pipeline: Pipeline; rows: StepHandle<string> } {
  const pipeline = new Pipeline({ name: 'rows', storage, executor: 'workers', lease: '1s' });
  const rows = pipeline.step('count', { heartbeatTimeout: '5m' }, async ({ heartbeat, lastHeartbeat, signal, run }) => {
    const from = (lastHeartbeat as { row: number } | undefined)?.row ?? 0;
    for (let row = from; row < 4; row++) {
      await gate(row, from, signal);
      heartbeat({ row: row + 1, by });
    }
    return `attempt ${run.attempt} from ${from}`;
  });
  return { pipeline, rows };
}

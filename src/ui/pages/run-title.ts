import type { RunRecord } from '../../tracking/run-record.ts';

/** What a run is called: by its name, or by the end of its id, where ids differ most. */
export function runTitle({ id, name }: Pick<RunRecord, 'id' | 'name'>): string {
  return name ?? `…${id.slice(-12)}`;
}

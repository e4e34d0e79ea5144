import type { RunRecord } from '../../tracking/run-record.ts';
import { isSeen } from '../page/seen.ts';

/** What a run is called: by its name, or by the end of its id, where ids differ most. A name in which there is nothing to see is none: nobody could click on it. */
export function runTitle({ id, name }: Pick<RunRecord, 'id' | 'name'>): string {
  return name !== undefined && isSeen(name) ? name : `…${id.slice(-12)}`;
}

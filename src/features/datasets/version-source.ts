import type { Clock } from '../../core/clock.ts';
import { ValidationError } from '../../core/errors.ts';
import { escapeSegment } from '../../core/key.ts';
import { shown } from '../../core/shown.ts';
import type { TriggerEvent, TriggerSource } from '../../core/trigger-source.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { DatasetFacts } from './dataset-facts.ts';
import { checkDatasetName } from './dataset-ref.ts';

const defaultLimit = 100;

/** The versions of a dataset as a source: numbers are given in order and never again, so that the last one told is the cursor. */
export function datasetVersionsOf(storage: StorageAdapter, clock: Clock, dataset: string): TriggerSource<DatasetFacts> {
  const name = checkDatasetName(dataset);
  return {
    id: `features/datasets/${escapeSegment(name)}`,
    async poll(after, { signal, limit = defaultLimit } = {}) {
      const told = after === undefined ? 0 : numberOf(after);
      const [{ DatasetVersions }, { factsOf }] = await Promise.all([import('./dataset-versions.ts'), import('./saved-dataset.ts')]);
      const versions = new DatasetVersions(storage, clock);
      const head = await versions.head(name, { signal });
      if (head === undefined) return { events: [], next: after };
      const untold = head.versions.filter(({ version }) => version > told);
      const entries = untold.slice(0, limit);
      const bodies = await versions.bodies(entries.map((entry) => ({ name, entry })), { signal });
      const events = entries.flatMap((entry, i): TriggerEvent<DatasetFacts>[] => {
        const saved = bodies[i]?.saved;
        // One that is being deleted.
        if (saved === undefined) return [];
        const data = factsOf(name, entry, saved);
        return [{ id: `${name}@${entry.version}`, at: data.createdAt, ref: { kind: 'dataset', id: name, version: entry.version, digest: data.digest }, data }];
      });
      return { events, next: String(untold.length > limit ? entries.at(-1)!.version : Math.max(told, head.next - 1)) };
    },
    async now({ signal } = {}) {
      const { DatasetVersions } = await import('./dataset-versions.ts');
      return String(((await new DatasetVersions(storage, clock).head(name, { signal }))?.next ?? 1) - 1);
    },
  };
}

function numberOf(cursor: string): number {
  if (/^(?:0|[1-9][0-9]{0,14})$/.test(cursor)) return Number(cursor);
  throw new ValidationError(`after is ${shown(cursor, 80)}; give the 'next' of an earlier poll of the same dataset.`, { path: 'after' });
}

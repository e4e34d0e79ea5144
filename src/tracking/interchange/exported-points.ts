import { throwIfAborted } from '../../core/abort.ts';
import { IntegrityError } from '../../core/errors.ts';
import type { LongOperationOptions } from '../../core/progress.ts';
import { ownSource } from './imported-id.ts';
import { isImportDamage, type ImportDamage, type ImportedPoints, type ImportedRun, type RunSource } from './imported-run.ts';

/** How runs are exported. */
export interface ExportOptions extends LongOperationOptions {
  /** Is told what could not be read of the runs, and the rest is exported. @default none: the first damage is an `IntegrityError` */
  onDamage?: ((damage: ImportDamage) => void) | undefined;
}

/** The runs of a source with their points, what cannot be read taken out. */
export async function* eachExported(runs: RunSource, { signal, onProgress, onDamage }: ExportOptions): AsyncGenerator<{ run: ImportedRun; points: AsyncIterable<ImportedPoints> }> {
  let done = 0;
  for await (const run of runs) {
    throwIfAborted(signal, 'Exporting runs');
    if (isImportDamage(run)) tell(run, onDamage);
    else {
      yield { run, points: soundPoints(run, { signal, onDamage }) };
      onProgress?.({ phase: 'exporting runs', done: ++done });
    }
  }
}

/** What a run is called in a file: its id, or its identity elsewhere. */
export function runLabel({ source }: ImportedRun): string {
  return source.startsWith(ownSource) ? source.slice(ownSource.length) : source;
}

/** The points of a run, what cannot be read taken out. */
export async function* soundPoints(run: ImportedRun, { signal, onDamage }: ExportOptions): AsyncGenerator<ImportedPoints> {
  for await (const points of run.metrics({ signal })) {
    throwIfAborted(signal, 'Exporting runs');
    if (isImportDamage(points)) tell(points, onDamage);
    else yield points;
  }
}

function tell(damage: ImportDamage, onDamage: ExportOptions['onDamage']): void {
  if (onDamage === undefined) throw new IntegrityError(`${damage.source} cannot be read whole, at ${damage.where}: ${damage.message} Give onDamage to export the rest.`, { key: damage.where });
  onDamage(damage);
}

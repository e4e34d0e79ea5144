import { sleep, type Clock } from '../../core/clock.ts';
import { ConflictError } from '../../core/errors.ts';
import type { LongOperationOptions, OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter, Version } from '../../storage/contract.ts';
import { decodeBatch } from '../metric-batch.ts';
import { keys } from '../tracking-keys.ts';
import { eachPart } from './each-part.ts';
import { ReportBuilder } from './import-report.ts';
import { importedName } from './imported-name.ts';
import type { ImportedPoints, ImportedRun } from './imported-run.ts';
import { Overtaken, PointsWriter } from './points-writer.ts';

const attempts = 100;
/** How long a batch may be the last one before whoever wrote it counts as gone, and how often it is looked at, in milliseconds. */
const [patienceMs, lookMs] = [1_000, 20];

/**
 * Puts the points of a run into its log, those that are not there; what could not be read or kept is told to the report. Where another import of the same run is at work, it waits until that one has come to its end, or to a halt, and then
 * reads the points again. Throws `ConflictError` when others were first a hundred times.
 */
export async function writePoints(
  storage: StorageAdapter,
  clock: Clock,
  run: ImportedRun,
  id: string,
  report: ReportBuilder,
  { dryRun, ...options }: LongOperationOptions & { readonly dryRun: boolean },
): Promise<PointsWriter> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const found = new ReportBuilder();
    const writer = new PointsWriter(storage, id, dryRun);
    try {
      await readInto(writer, run, found, options);
      report.join(found);
      return writer;
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error;
      await settled(storage, clock, id, options);
    }
  }
  throw new ConflictError(`Others import run ${run.source} at the same time, and were first ${attempts} times; import it again afterwards.`, { key: id, attempts });
}

async function readInto(writer: PointsWriter, run: ImportedRun, report: ReportBuilder, { signal, onProgress }: LongOperationOptions): Promise<void> {
  const { source } = run;
  await writer.open({ signal });
  const names = new Map<string, string>();
  const nameOf = (from: string): string => {
    let to = names.get(from);
    if (to !== undefined) return to;
    names.set(from, (to = importedName(from)));
    if (to !== from) report.renamed({ source, kind: 'metric', from, to });
    return to;
  };
  const take = async (points: ImportedPoints): Promise<void> => {
    const before = writer.added;
    await writer.add(points, nameOf, { signal });
    if (writer.added > before) onProgress?.({ phase: `importing points of ${source}`, done: writer.added });
  };
  await eachPart(run.metrics({ signal }), { source, where: 'metrics' }, report, take, { signal });
  await writer.flush({ signal });
  for (const [name, { points, fault }] of writer.refused) {
    report.damage({ source, where: `metric ${name}`, message: `${points} points are left out, whose step or time cannot be kept, such as ${fault}.` });
  }
}

/** Resolves when no batch has been decided for a while, or the last one was closed. */
async function settled(storage: StorageAdapter, clock: Clock, id: string, { signal }: OperationOptions): Promise<void> {
  let version: Version | undefined;
  let since = clock.monotonic();
  for (;;) {
    const [turn] = await storage.read([keys.importTurn(id)], { signal, fresh: true });
    if (turn === undefined || decodeBatch(turn.bytes, keys.importTurn(id)).values.length === 0) return;
    if (turn.version !== version) [version, since] = [turn.version, clock.monotonic()];
    else if (clock.monotonic() - since >= patienceMs) return;
    await sleep(clock, lookMs, signal);
  }
}

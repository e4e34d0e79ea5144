import { throwIfAborted } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import type { Digest } from '../../core/digest.ts';
import { ConflictError, ValidationError } from '../../core/errors.ts';
import { checkOptionNames, type OptionNames } from '../../core/option-names.ts';
import type { LongOperationOptions, OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { PutOperation, StorageAdapter } from '../../storage/contract.ts';
import { readValue } from '../../storage/records.ts';
import type { ArtifactRecord } from '../artifacts/artifact-record.ts';
import { writeArtifact } from '../artifacts/write-artifact.ts';
import { importSession } from '../import-session.ts';
import { datasetOperations } from '../run-datasets.ts';
import { writeEnvironment } from '../run-environment.ts';
import { recordExtremes } from '../run-extremes.ts';
import type { RunRecord, StoredRun } from '../run-record.ts';
import { keys } from '../tracking-keys.ts';
import { checkedRun } from './checked-run.ts';
import { eachPart, isFault } from './each-part.ts';
import { ownSource } from './imported-id.ts';
import { importedName } from './imported-name.ts';
import { ReportBuilder, type ImportRunsReport } from './import-report.ts';
import { isImportDamage, type ImportedArtifact, type ImportedDataset, type ImportedRun, type RunSource } from './imported-run.ts';
import { extendRun, hadNoEnd, storedRun, writeNewRun } from './write-imported-run.ts';
import { writePoints } from './write-points.ts';

/** How runs are imported. */
export interface ImportRunsOptions extends LongOperationOptions {
  /** Reads the source and reports what would be done; writes nothing. @default false */
  dryRun?: boolean | undefined;
}

const names: OptionNames<ImportRunsOptions> = { dryRun: true, signal: true, onProgress: true };

/**
 * Writes runs from a source into a store, one after the other, in bounded memory: a batch of points, and what the report says of each run.
 *
 * A run is known by its identity in the source. Imported again, nothing is written twice; what the source has more of it by then is added, and what people changed in the store stays; an import that was cut off goes on where it was.
 * A run shows up when all of it is there. A run that modelkeep exported keeps its id, and is left alone when it is there with an end. What cannot be read, or cannot be kept, is in the report, and hides nothing else. An artifact is not
 * read again when one of its name and size is there.
 *
 * Rejects when the storage fails, and when the source itself throws between two runs; what was written stays.
 */
export async function importRuns(storage: StorageAdapter, clock: Clock, runs: RunSource, options: ImportRunsOptions = {}): Promise<ImportRunsReport> {
  if (typeof runs !== 'object' || runs === null || !(Symbol.asyncIterator in runs)) {
    throw new ValidationError(`The source is ${shown(runs, 80)}; give what a reader of runs made, such as mlrunsSource(…).`, { path: 'runs' });
  }
  checkOptionNames(options, names, 'importRuns');
  const { signal, onProgress, dryRun = false } = options;
  const report = new ReportBuilder();
  const parents = new Map<string, string>();
  for await (const run of runs) {
    throwIfAborted(signal, 'Importing runs');
    if (typeof run !== 'object' || run === null) throw new ValidationError(`The source gave ${shown(run, 80)} where a run belongs.`, { path: 'runs' });
    if (isImportDamage(run)) {
      report.damage(run);
      continue;
    }
    try {
      await new RunImport(storage, clock, run, report, parents, { dryRun, signal, onProgress }).write();
    } catch (error) {
      if (!isFault(error)) throw error;
      report.damage({ source: run.source, where: 'run', message: `The run is not imported: ${error.message}` });
    }
    onProgress?.({ phase: 'importing runs', done: report.runs });
  }
  if (!dryRun) await findMissing(storage, parents, report, { signal });
  return report.report();
}

/** The import of one run. */
class RunImport {
  readonly #storage: StorageAdapter;
  readonly #clock: Clock;
  readonly #run: ImportedRun;
  readonly #report: ReportBuilder;
  readonly #parents: Map<string, string>;
  readonly #options: ImportRunsOptions;
  #changed = false;

  constructor(storage: StorageAdapter, clock: Clock, run: ImportedRun, report: ReportBuilder, parents: Map<string, string>, options: ImportRunsOptions) {
    this.#storage = storage;
    this.#clock = clock;
    this.#run = run;
    this.#report = report;
    this.#parents = parents;
    this.#options = options;
  }

  async write(): Promise<void> {
    const { source } = this.#run;
    const { dryRun = false, signal, onProgress } = this.#options;
    const checked = checkedRun(this.#run, this.#report);
    const { id, parent } = checked;
    const existing = await readValue<StoredRun>(this.#storage, keys.run(id), { signal });
    if (existing?.value.purging) throw new ConflictError(`Run ${id} is being purged; import it again afterwards.`, { key: id });
    if (existing !== undefined && source.startsWith(ownSource) && !hadNoEnd(existing.value)) return this.#report.run({ source, id, points: 0 }, false);
    // Points, artifacts and datasets go before the record, so that a run that is seen is whole.
    const points = await writePoints(this.#storage, this.#clock, this.#run, id, this.#report, { dryRun, signal, onProgress });
    await this.#writeArtifacts(id);
    await this.#writeDatasets(id);
    const next = storedRun(this.#storage, checked, points, await this.#describe(existing?.value.environment));
    // Before the run's record: cut off between the two, the next import finds what is missing.
    if (!dryRun && next.openSessions.length === 0) await recordExtremes(this.#storage, this.#clock, id, importSession, Object.fromEntries(points.extremes), { signal });
    if (await this.#writeRecord(next, existing === undefined, points.closing())) this.#changed = true;
    if (parent !== undefined && !this.#parents.has(parent)) this.#parents.set(parent, source);
    this.#report.run({ source, id, points: points.added }, this.#changed || points.added > 0);
  }

  /** Says whether anything was written, or would be. */
  async #writeRecord(next: StoredRun, isNew: boolean, closing: readonly PutOperation[]): Promise<boolean> {
    const { dryRun, signal } = this.#options;
    if (dryRun) return isNew;
    if (isNew && (await writeNewRun(this.#storage, next, closing, { signal }))) return true;
    if (!isNew && closing.length > 0) await this.#storage.write(closing, { signal });
    return extendRun(this.#storage, this.#clock, next, (name) => this.#damage(`param ${name}`, 'The store has another value, which stays.'), { signal });
  }

  async #writeArtifacts(id: string): Promise<void> {
    const { signal } = this.#options;
    const take = async (artifact: ImportedArtifact): Promise<void> => {
      try {
        await this.#writeArtifact(id, artifact);
      } catch (error) {
        if (!isFault(error)) throw error;
        this.#damage(`artifact ${artifact.name}`, `Left out: ${error.message}`);
      }
    };
    await eachPart(this.#run.artifacts({ signal }), { source: this.#run.source, where: 'artifacts' }, this.#report, take, { signal });
  }

  async #writeArtifact(id: string, { name: from, content, mediaType, size }: ImportedArtifact): Promise<void> {
    const { dryRun, signal } = this.#options;
    const name = this.#rename('artifact', from);
    const there = await readValue<ArtifactRecord>(this.#storage, keys.artifact(id, name), { signal });
    if (there !== undefined && (size === undefined || there.value.size === size)) return;
    this.#changed = true;
    // The time of the run, so that it is the same at every import.
    const at = this.#run.endedAt ?? this.#run.startedAt;
    if (!dryRun) await writeArtifact(this.#storage, this.#clock, id, name, content, { mediaType, signal }, at);
  }

  async #writeDatasets(id: string): Promise<void> {
    const { dryRun, signal } = this.#options;
    for (const dataset of this.#run.datasets) {
      const record: ImportedDataset = { ...dataset, name: this.#rename('dataset', dataset.name), role: importedName(dataset.role) };
      if ((await readValue(this.#storage, keys.dataset(id, record), { signal })) !== undefined) continue;
      this.#changed = true;
      if (!dryRun) await this.#storage.write(datasetOperations(id, record), { signal });
    }
  }

  async #describe(known: Digest | undefined): Promise<Pick<RunRecord, 'environment' | 'code'>> {
    const { environment, code } = this.#run;
    if (environment === undefined || this.#options.dryRun) return code === undefined ? {} : { code };
    return writeEnvironment(this.#storage, environment, known);
  }

  #rename(kind: 'artifact' | 'dataset', from: string): string {
    const to = importedName(from);
    if (to !== from) this.#report.renamed({ source: this.#run.source, kind, from, to });
    return to;
  }

  #damage(where: string, message: string): void {
    this.#report.damage({ source: this.#run.source, where, message });
  }
}

async function findMissing(storage: StorageAdapter, parents: ReadonlyMap<string, string>, report: ReportBuilder, options: OperationOptions): Promise<void> {
  for (const [id, source] of parents) {
    if ((await readValue(storage, keys.run(id), options)) === undefined) report.damage({ source, where: 'parent', message: `The run ${id} that it is part of is not in the store.` });
  }
}

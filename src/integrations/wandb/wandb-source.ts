import type { Encodable } from '../../core/codec.ts';
import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { ImportDamage, ImportedPoints, ImportedRun } from '../../tracking/interchange/imported-run.ts';
import { PointColumns } from '../../tracking/interchange/point-columns.ts';
import { isObject } from '../../tracking/interchange/run-facts.ts';
import type { SourceDirectory, SourceFile } from '../../tracking/interchange/source-directory.ts';
import type { WandbDetails } from './wandb-details.ts';
import { wandbLog } from './wandb-log.ts';
import { numberOf, WandbRows } from './wandb-rows.ts';
import { inOrder, joinDetails, readSession, sound, wandbFiles, type WandbSession } from './wandb-sessions.ts';

/**
 * The runs of W&B offline files (`run-<id>.wandb`), given one by one or by the directory they are in (`wandb`): the rows of their history, samples of the load as metrics under `system/`, config as params, labels, notes, group and exit. Numbers
 * within nested values are metrics `a.b`. Values of the summary that no row has are points at the last step. A file is read twice, in bounded memory; what is said of all the runs is held.
 *
 * A run that was resumed offline has a file for each time. Given together, in any order and even twice, they are one run, with the rows in the order of their logging; where a resumed process counted its steps from 0 again, they go on behind
 * the last one, and other steps stay as they are. Of config, name and notes the later word counts, and so does the end. Import all files of a run together: given later, a file is added if it is the later one.
 *
 * A run without an exit was killed, and so is `crashed` in the store. What is broken in a file is damage with its byte; what stands before it is kept, and what follows from the next block of 32 KiB on too. Media are not in the file, and
 * are not imported. Throws `ValidationError` when it is given neither files nor a directory.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { sourceFile, wandbSource } from 'modelkeep/interchange';
 *
 * // In Node, nodeDirectory('wandb') or nodeFile('wandb/offline-run-…/run-abc.wandb') of 'modelkeep/node' read the disk.
 * const chosen = new Blob([new Uint8Array([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0])]);
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const report = await tracker.importRuns(wandbSource(sourceFile('run-abc.wandb', chosen)));
 * console.log(report.damaged[0]?.message); // It does not say which run it is of; nothing is imported.
 * ```
 */
export async function* wandbSource(files: SourceFile | readonly SourceFile[] | SourceDirectory, options: OperationOptions = {}): AsyncGenerator<ImportedRun | ImportDamage, void, undefined> {
  checkFiles(files);
  const runs = new Map<string, WandbSession[]>();
  for await (const file of wandbFiles(files, options)) {
    const session = 'open' in file ? await readSession(file, options) : file;
    if ('message' in session) {
      yield session;
      continue;
    }
    const others = runs.get(session.source);
    if (others === undefined) runs.set(session.source, [session]);
    else others.push(session);
  }
  for (const [source, sessions] of runs) yield* runOf(source, await inOrder(sessions, options));
}

function* runOf(source: string, sessions: readonly WandbSession[]): Generator<ImportedRun | ImportDamage> {
  const details = joinDetails(sessions);
  const startedAt = details.startedAt ?? 0;
  if (details.startedAt === undefined) yield { source, where: sessions[0]!.file.name, message: 'It does not say when the run started; the run is imported as if it had started in 1970.' };
  const { exitCode } = details;
  yield {
    source,
    experiment: details.project || 'uncategorized',
    name: details.name || details.runId,
    ...(details.group === '' ? {} : { group: details.group }),
    status: exitCode === undefined ? 'running' : exitCode === 0 ? 'finished' : 'failed',
    startedAt,
    ...(exitCode === undefined ? {} : { endedAt: startedAt + (details.runtime ?? 0) * 1000 }),
    ...(exitCode === undefined || exitCode === 0 ? {} : { reason: `exit code ${exitCode}` }),
    params: paramsOf(details.config),
    tags: tagsOf(details),
    ...(details.notes === '' ? {} : { notes: details.notes }),
    ...(details.commit === '' ? {} : { code: { commit: details.commit } }),
    datasets: [],
    metrics: (reading) => readPoints(source, sessions, startedAt, reading),
    async *artifacts() {},
  };
}

async function* readPoints(source: string, sessions: readonly WandbSession[], startedAt: number, options: OperationOptions = {}): AsyncGenerator<ImportedPoints | ImportDamage> {
  const rows = new WandbRows();
  const columns = new PointColumns();
  for (const { file, details, firstStep } of sessions) {
    rows.begin(details.startedAt ?? startedAt, firstStep);
    for await (const records of wandbLog(file, options)) {
      for (const record of records) {
        if (!('bytes' in record)) {
          yield { source, where: file.name, offset: record.offset, message: record.message };
          continue;
        }
        const points = sound(() => rows.points(record.bytes));
        if (points === undefined) yield { source, where: file.name, offset: record.offset, message: `The record at byte ${record.offset} is none of W&B's, and is left out.` };
        for (const point of points ?? []) {
          if (columns.full) yield columns.take();
          columns.add(...point);
        }
      }
    }
    for (const [key, value] of details.summary) {
      const name = (JSON.parse(key) as string[]).join('.');
      const number = numberOf(value);
      if (name.startsWith('_') || number === undefined || rows.has(name)) continue;
      if (columns.full) yield columns.take();
      columns.add(name, Math.max(0, rows.lastStep), rows.lastTimestamp, number);
    }
    if (columns.count > 0) yield columns.take();
    yield* rows.passedOver(source, file.name);
  }
}

function checkFiles(files: unknown): void {
  const isFile = (value: unknown): boolean => typeof (value as Partial<SourceFile> | undefined)?.open === 'function';
  if (Array.isArray(files) ? files.every(isFile) : isFile(files)) return;
  throw new ValidationError(`The source is ${shown(files, 80)}; give a file such as sourceFile(…) makes, several of them, or a directory.`, { path: 'files' });
}

function paramsOf(config: WandbDetails['config']): Record<string, Encodable> {
  const root: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of config) {
    const path = JSON.parse(key) as string[];
    if (path[0] === '_wandb') continue;
    let at = root;
    for (const part of path.slice(0, -1)) {
      const next = at[part];
      // Without a prototype, so that no name in a file is one of it.
      at = at[part] = Object.assign(Object.create(null) as Record<string, unknown>, isObject(next) ? next : {});
    }
    at[path.at(-1)!] = value;
  }
  return { ...root } as Record<string, Encodable>;
}

function tagsOf({ labels, jobType, sweep, host, entity }: WandbDetails): Record<string, string> {
  const facts = { 'wandb.jobType': jobType, 'wandb.sweep': sweep, 'wandb.host': host, 'wandb.entity': entity };
  return Object.fromEntries([...labels.map((label) => [label, 'true'] as const), ...Object.entries(facts).filter(([, value]) => value !== '')]);
}

import type { Encodable } from '../../core/codec.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { ImportDamage, ImportedPoints, ImportedRun } from '../../tracking/interchange/imported-run.ts';
import { fileDamage } from '../../tracking/interchange/file-damage.ts';
import { PointColumns } from '../../tracking/interchange/point-columns.ts';
import { isObject } from '../../tracking/interchange/run-facts.ts';
import type { SourceFile } from '../../tracking/interchange/source-directory.ts';
import { emptyDetails, takeDetails, type WandbDetails } from './wandb-details.ts';
import { wandbLog } from './wandb-log.ts';
import { numberOf, WandbRows } from './wandb-rows.ts';

/**
 * The run of a W&B offline file (`run-<id>.wandb`): the rows of its history, samples of the load as metrics under `system/`, config as params, labels, notes, group and exit. Numbers within nested values are metrics `a.b`. Values of the
 * summary that no row has are points at the last step. The file is read twice, in bounded memory.
 *
 * A run without an exit was killed, and so is `crashed` in the store. What is broken in the file is damage with its byte; what stands before it is kept, and what follows from the next block of 32 KiB on too. Media are not in the file, and
 * are not imported.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { sourceFile, wandbSource } from 'modelkeep/interchange';
 *
 * // In Node, nodeFile('wandb/offline-run-…/run-abc.wandb') of 'modelkeep/node' reads a file of the disk.
 * const chosen = new Blob([new Uint8Array([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0])]);
 * const tracker = new Tracker({ storage: new MemoryStorage() });
 * const report = await tracker.importRuns(wandbSource(sourceFile('run-abc.wandb', chosen)));
 * console.log(report.damaged[0]?.message); // It does not say which run it is of; nothing is imported.
 * ```
 */
export async function* wandbSource(file: SourceFile, options: OperationOptions = {}): AsyncGenerator<ImportedRun | ImportDamage, void, undefined> {
  const details = emptyDetails();
  try {
    for await (const records of wandbLog(file, options)) {
      for (const record of records) {
        // Told again, and then with the points, at the second reading.
        if ('bytes' in record) sound(() => takeDetails(details, record.bytes));
      }
    }
  } catch (error) {
    yield fileDamage(`wandb:${file.name}`, file.name, error);
    return;
  }
  const source = `wandb:${details.entity}/${details.project}/${details.runId}`;
  if (details.runId === '') {
    yield { source: `wandb:${file.name}`, where: file.name, offset: 0, message: 'It does not say which run it is of; nothing is imported.' };
    return;
  }
  const startedAt = details.startedAt ?? 0;
  if (details.startedAt === undefined) yield { source, where: file.name, message: 'It does not say when the run started; the run is imported as if it had started in 1970.' };
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
    metrics: (reading) => readPoints(file, details, source, startedAt, reading),
    async *artifacts() {},
  };
}

async function* readPoints(file: SourceFile, details: WandbDetails, source: string, startedAt: number, options: OperationOptions = {}): AsyncGenerator<ImportedPoints | ImportDamage> {
  const rows = new WandbRows(startedAt);
  const columns = new PointColumns();
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

/** `undefined` when the bytes are no message. */
function sound<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
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

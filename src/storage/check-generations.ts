import type { Clock } from '../core/clock.ts';
import type { Key } from '../core/key.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter, StoreFinding, Version } from './contract.ts';
import { generationKey, pointerKey, readPointer, writePointer, type GenerationPointer } from './log-generations.ts';
import { listAll } from './records.ts';

/** How generations are checked. */
export interface CheckGenerationsOptions extends OperationOptions {
  readonly repair: boolean;
  readonly graceMs: number;
  readonly clock: Clock;
}

/** What rewritings of these logs have left behind, and whether each present generation is there. */
export async function* checkGenerations(storage: StorageAdapter, logs: Iterable<Key>, options: CheckGenerationsOptions): AsyncGenerator<StoreFinding> {
  for (const log of logs) yield* checkLog(storage, log, options);
}

async function* checkLog(storage: StorageAdapter, log: Key, options: CheckGenerationsOptions): AsyncGenerator<StoreFinding> {
  const { repair, signal } = options;
  const there = await logsOf(storage, log, { signal });
  // Read after the list: a generation that is not the present one now will never be again.
  const found = await readPointer(storage, log, { signal });
  if (found === undefined && there.every((key) => key === log)) return;
  const pointer = found?.value;
  const current = generationKey(log, pointer?.current ?? '');
  const made = pointer?.rewriting && generationKey(log, pointer.rewriting.generation);
  if (pointer?.rewriting !== undefined) yield await checkRewriting(storage, log, { ...pointer, rewriting: pointer.rewriting }, found!.version, options);
  for (const key of there) {
    if (key === current || key === made) continue;
    if (repair) await storage.deleteLog(key, { signal });
    const message = `The log ${key} is what a rewriting of ${log} has left; it holds what was carried over or taken out since. checkStore({ repair: true }) deletes it.`;
    yield { kind: 'leftover', where: key, message, repaired: repair };
  }
  if (pointer !== undefined && pointer.carried > 0) yield* checkCarried(storage, log, pointer, { signal });
}

async function logsOf(storage: StorageAdapter, log: Key, options: OperationOptions): Promise<Key[]> {
  const keys: Key[] = [];
  for await (const { key } of listAll(storage, { kind: 'log', prefix: `${pointerKey(log)}/` }, options)) keys.push(key);
  const entries = storage.readLog(log, options)[Symbol.asyncIterator]();
  if (!(await entries.next()).done) keys.push(log);
  await entries.return?.();
  return keys;
}

/** A rewriting that is under way, or was when its process died. Taken back, it cannot swing the pointer any more. */
async function checkRewriting(
  storage: StorageAdapter,
  log: Key,
  { rewriting, ...before }: GenerationPointer & { readonly rewriting: NonNullable<GenerationPointer['rewriting']> },
  version: Version,
  { repair, graceMs, clock, signal }: CheckGenerationsOptions,
): Promise<StoreFinding> {
  const due = repair && clock.now() - rewriting.startedAt >= graceMs;
  const repaired = due && (await writePointer(storage, log, before, version, { signal })) !== undefined;
  if (repaired) await storage.deleteLog(generationKey(log, rewriting.generation), { signal });
  const began = new Date(rewriting.startedAt).toISOString();
  const message = `A rewriting of the log ${log} began at ${began} and has not ended: nothing was lost, and what it was to take out is still there. Unless it is still running, rewrite the log again.`;
  return { kind: 'leftover', where: pointerKey(log), message, repaired };
}

async function* checkCarried(storage: StorageAdapter, log: Key, { current, carried }: GenerationPointer, options: OperationOptions): AsyncGenerator<StoreFinding> {
  let count = 0;
  try {
    const entries = storage.readLog(generationKey(log, current), options)[Symbol.asyncIterator]();
    while (count < carried && !(await entries.next()).done) count++;
    await entries.return?.();
    if (count === carried) return;
  } catch {
    // The look through the logs tells of it.
    return;
  }
  if ((await readPointer(storage, log, options))?.value.current !== current) return;
  const message = `The log ${generationKey(log, current)} has ${count} entries and began with ${carried}; restore the store from a copy.`;
  yield { kind: 'damage', where: generationKey(log, current), message, repaired: false };
}

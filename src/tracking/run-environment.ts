import { collectBytes } from '../core/bytes.ts';
import { decode, encode } from '../core/codec.ts';
import { digestOf, type Digest } from '../core/digest.ts';
import type { CodeRecord, EnvironmentRecord } from '../core/environment.ts';
import { IntegrityError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { RunRecord } from './run-record.ts';

/** Stores an environment under its digest, so that runs in the same one share it, and tells what the run's record says of it. One that is `known` to be stored is not written again. */
export async function writeEnvironment(storage: StorageAdapter, record: EnvironmentRecord, known?: Digest): Promise<Pick<RunRecord, 'environment' | 'code'>> {
  const bytes = encode(record, 'environment');
  const environment = known !== undefined && digestOf(bytes) === known ? known : (await storage.writeBlob(once(bytes))).digest;
  return record.code === undefined ? { environment } : { environment, code: inShort(record.code) };
}

/** The environment of a run; `undefined` when it has none. */
export async function readEnvironment(storage: StorageAdapter, run: RunRecord, options: OperationOptions): Promise<EnvironmentRecord | undefined> {
  if (run.environment === undefined) return undefined;
  const chunks = await storage.readBlob(run.environment, options);
  if (chunks === undefined) throw new IntegrityError(`The environment of run ${run.id}, ${run.environment}, is gone; restore the blob from a copy.`, { key: run.environment });
  return decode(await collectBytes(chunks), run.environment) as EnvironmentRecord;
}

function inShort({ commit, branch, dirty, entry }: CodeRecord): NonNullable<RunRecord['code']> {
  return {
    ...(commit === undefined ? {} : { commit }),
    ...(branch === undefined ? {} : { branch }),
    ...(dirty === undefined ? {} : { dirty }),
    ...(entry === undefined ? {} : { entry }),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

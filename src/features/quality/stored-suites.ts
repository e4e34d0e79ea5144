import type { Digest } from '../../core/digest.ts';
import { NotFoundError } from '../../core/errors.ts';
import type { Key } from '../../core/key.ts';
import type { OperationOptions } from '../../core/progress.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { readHead, readHeads } from '../../storage/head-record.ts';
import { listAll } from '../../storage/records.ts';
import type { CheckSuite } from '../definitions/check-suite.ts';
import { suiteKey, suitesPrefix, versionOf, type StoredVersion, type SuiteState } from '../definitions/definition-states.ts';
import { parseVersionedName } from '../definitions/feature-ref.ts';

/** A suite of checks as it is stored. */
export interface StoredCheckSuite {
  /** The suite. */
  readonly suite: CheckSuite;
  /** Which version of it, counted from 1. */
  readonly version: number;
  /** Content hash of the suite. */
  readonly digest: Digest;
  /** When it was applied, epoch milliseconds. */
  readonly at: number;
}

/** A version of a suite: `name` for the newest, `name@2` for that one. Throws `NotFoundError` when there is none. */
export async function getSuite(storage: StorageAdapter, ref: string, path: string, { signal }: OperationOptions): Promise<StoredCheckSuite> {
  const { name, version } = parseVersionedName(ref, path);
  const state = await readHead<SuiteState>({ storage, key: suiteKey(name) }, { signal });
  if (state === undefined) throw new NotFoundError(`There is no suite of checks '${name}'; define it with checkSuite() and store it with apply().`, { key: name });
  return storedOf(versionOf(`suite of checks '${name}'`, state.versions, version));
}

/** The newest version of each suite, by name. */
export async function listSuites(storage: StorageAdapter, { signal }: OperationOptions): Promise<StoredCheckSuite[]> {
  const keys: Key[] = [];
  for await (const { key } of listAll(storage, { kind: 'record', prefix: suitesPrefix }, { signal })) keys.push(key);
  return (await readHeads<SuiteState>(storage, keys, { signal })).flatMap((state) => (state === undefined ? [] : [storedOf(state.versions.at(-1)!)]));
}

function storedOf({ definition, version, digest, at }: StoredVersion<CheckSuite>): StoredCheckSuite {
  return { suite: definition, version: Number(version), digest, at };
}

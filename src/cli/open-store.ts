import { readdir, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NotFoundError } from '../core/errors.ts';
import type { StorageAdapter } from '../index.ts';
import type { OpenOptions } from './command.ts';
import type { CliHost } from './host.ts';

const url = /^https?:\/\//i;

/** Whether a place is the address of a server. */
export function isUrl(place: string): boolean {
  return url.test(place);
}

/** Where the store is that a call works on: `--store`, else `MODELKEEP_STORE`, else `.modelkeep`. */
export function storePlace(option: string | undefined, { env }: Pick<CliHost, 'env'>): string {
  return option ?? (env['MODELKEEP_STORE'] || '.modelkeep');
}

/**
 * The store at a place, a directory or the address of a server, looked at once so that what is wrong with it is said before anything is done. Throws `NotFoundError` for a directory that is missing
 * or empty, unless it may be made, and what the adapter says of one that is no store, of a newer format, damaged, or cannot be reached.
 */
export async function openStore(place: string, host: CliHost, { create = false }: OpenOptions, token: string | undefined, signal: AbortSignal): Promise<StorageAdapter> {
  const storage = isUrl(place) ? await remoteStore(place, token, host) : await localStore(resolve(host.directory, place), create);
  try {
    await storage.list({ limit: 1 }, { signal });
    return storage;
  } catch (error) {
    await storage.close().catch(() => undefined);
    throw error;
  }
}

/** Whether two places are one, as far as their names tell: a directory by another path or link to it, an address with a slash behind it. */
export async function isSamePlace(a: string, b: string, { directory }: Pick<CliHost, 'directory'>): Promise<boolean> {
  const name = async (place: string): Promise<string> => (isUrl(place) ? new URL(place).href.replace(/\/+$/, '') : realpath(resolve(directory, place)).catch(() => resolve(directory, place)));
  return (await name(a)) === (await name(b));
}

async function localStore(directory: string, create: boolean): Promise<StorageAdapter> {
  // A name that was mistyped must not pass for a store that has nothing in it.
  if (!create && (await isAbsentOrEmpty(directory))) {
    throw new NotFoundError(`There is no store at ${directory}; give its directory or address with --store, or set MODELKEEP_STORE.`, { key: directory });
  }
  const { FilesystemStorage } = await import('../filesystem.ts');
  return new FilesystemStorage(directory);
}

async function isAbsentOrEmpty(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length === 0;
  } catch (error) {
    // What else is wrong with it, such as being a file, the adapter says better.
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

async function remoteStore(address: string, token: string | undefined, { clock }: CliHost): Promise<StorageAdapter> {
  const { HttpStorage } = await import('../http.ts');
  // A person waits: a server that is not there is said to be so within seconds.
  return new HttpStorage(address, { token: token || undefined, retry: { limit: 2, within: '20s' }, timeout: '15s', clock });
}

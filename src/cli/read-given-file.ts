import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NotFoundError, ValidationError } from '../core/errors.ts';
import type { CliHost } from './host.ts';
import { UsageError } from './usage-error.ts';

/** The text of a file that an option names. Throws `NotFoundError` when it is not there, `ValidationError` when it cannot be read. */
export async function readGivenFile(file: string, option: string, { directory }: Pick<CliHost, 'directory'>): Promise<string> {
  const path = resolve(directory, file);
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new NotFoundError(`There is no file ${path}, which ${option} names.`, { key: path, cause });
    throw new ValidationError(`${path}, which ${option} names, cannot be read: ${message}`, { path, cause });
  }
}

/** The value that such a file has as JSON, by `parse`. Throws `UsageError` when it is none. */
export async function readGivenJson(file: string, option: string, host: Pick<CliHost, 'directory'>, parse: (text: string) => unknown = JSON.parse): Promise<unknown> {
  const text = await readGivenFile(file, option, host);
  try {
    return parse(text);
  } catch (error) {
    throw new UsageError(`${option} names ${resolve(host.directory, file)}, which is no JSON: ${(error as Error).message}`);
  }
}

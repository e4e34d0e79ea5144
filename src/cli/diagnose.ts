import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isModelkeepError } from '../core/errors.ts';
import type { StorageAdapter } from '../index.ts';
import type { CliHost } from './host.ts';
import { isUrl } from './open-store.ts';
import { durationText } from './output/formats.ts';

/** One thing that was looked at. */
export interface Diagnosis {
  readonly check: string;
  /** `info` is neither good nor bad, such as an optional package that is not installed. */
  readonly status: 'ok' | 'info' | 'warning' | 'fail';
  readonly found: string;
  /** What to do; absent where there is nothing to do. */
  readonly fix?: string | undefined;
}

const oldestNode = [20, 19] as const;
const mostSkewMs = 5_000;

/** Looks at everything that commands rest on. Never rejects; writes nothing. */
export async function diagnose(place: string, storage: () => Promise<StorageAdapter>, host: CliHost, signal: AbortSignal): Promise<Diagnosis[]> {
  const shown = isUrl(place) ? place : resolve(host.directory, place);
  return [
    nodeVersion(host.runtimeVersion),
    await storeReached(shown, storage, signal),
    ...(isUrl(place) ? [await clockSkew(place, host, signal)] : [await writable(shown)]),
    ...(await Promise.all([optionalPackage('hyparquet', 'reads Parquet'), optionalPackage('hyparquet-compressors', 'reads Parquet that is not compressed by Snappy')])),
    ...environment(host),
  ];
}

function nodeVersion(version: string): Diagnosis {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const enough = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  return { check: 'Node', status: enough ? 'ok' : 'fail', found: version, fix: enough ? undefined : `Install Node ${oldestNode.join('.')} or newer.` };
}

async function storeReached(place: string, storage: () => Promise<StorageAdapter>, signal: AbortSignal): Promise<Diagnosis> {
  try {
    const store = await storage();
    const { entries } = await store.list({ limit: 1 }, { signal });
    return { check: 'store', status: 'ok', found: `${store.name}${entries.length === 0 ? ', empty' : ''}` };
  } catch (error) {
    if (!isModelkeepError(error)) throw error;
    return { check: 'store', status: 'fail', found: `${place}: ${error.code}`, fix: error.message };
  }
}

async function writable(directory: string): Promise<Diagnosis> {
  const check = 'store writable';
  for (let at = directory; ; at = dirname(at)) {
    try {
      await access(at, constants.W_OK);
      return { check, status: 'ok', found: at === directory ? 'yes' : `${at} is, so that it can be made` };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && dirname(at) !== at) continue;
      return { check, status: 'warning', found: `${at}: ${code ?? 'no'}`, fix: 'Nothing can be written there by this user; reading goes on to work.' };
    }
  }
}

/** How far the clock of a server is from this one, as near as a header of whole seconds tells. */
async function clockSkew(url: string, { clock }: CliHost, signal: AbortSignal): Promise<Diagnosis> {
  const check = 'clock';
  try {
    const asked = clock.now();
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]) });
    const answered = clock.now();
    const date = Date.parse(response.headers.get('date') ?? '');
    if (Number.isNaN(date)) return { check, status: 'info', found: 'the server does not tell its time' };
    const skew = Math.max(0, date - answered, asked - (date + 1000));
    return skew <= mostSkewMs ? { check, status: 'ok', found: 'as the server has it' } : { check, status: 'warning', found: `${durationText(skew)} away from the server`, fix: 'Set the clocks by NTP: leases and windows go by them.' };
  } catch {
    return { check, status: 'info', found: 'the server did not answer' };
  }
}

async function optionalPackage(name: string, does: string): Promise<Diagnosis> {
  const { createRequire } = await import('node:module');
  try {
    createRequire(import.meta.url).resolve(name);
    return { check: name, status: 'ok', found: 'installed' };
  } catch (error) {
    // One that is for import only is there, too.
    if ((error as NodeJS.ErrnoException).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return { check: name, status: 'ok', found: 'installed' };
    return { check: name, status: 'info', found: 'not installed', fix: `npm install ${name}, which ${does}, if you need that.` };
  }
}

/** The variables that are read; of tokens only that there is one. */
function environment({ env }: CliHost): Diagnosis[] {
  const names = ['MODELKEEP_STORE', 'MODELKEEP_TOKEN', 'MODELKEEP_TARGET_TOKEN', 'MODELKEEP_DEBUG', 'NO_COLOR', 'CI'];
  return names.flatMap((name): Diagnosis[] => {
    const value = env[name];
    if (!value) return [];
    return [{ check: name, status: 'info', found: name.endsWith('TOKEN') ? 'set' : withoutSecrets(value) }];
  });
}

/** An address may have a password or a token in it. */
function withoutSecrets(value: string): string {
  return value.replace(/\/\/[^/@]*@/, '//***@').replace(/\?.*$/, '?***');
}

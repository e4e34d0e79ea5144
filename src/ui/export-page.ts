import { toBase64 } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { NotFoundError, ValidationError } from '../core/errors.ts';
import type { OperationOptions } from '../core/progress.ts';
import { check } from '../core/schema.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import { storageOption } from '../storage/storage-option.ts';
import type { UiCall, UiPageMaker } from './call.ts';
import { Links } from './links.ts';
import { formatsFor } from './page/formats.ts';
import { inlined } from './page/inlined.ts';
import { standalone } from './page/standalone.ts';
import { artifactFile } from './pages/artifact.ts';
import { metricChart } from './pages/metric.ts';
import { Query } from './query.ts';
import { Refusal } from './refusal.ts';
import { uiRoutes } from './routes.ts';
import { checkUiOptions, type UiLimits } from './ui-options.ts';
import { uiStore } from './ui-store.ts';

/** How a page is exported. */
export interface ExportPageOptions extends OperationOptions {
  /** The time zone of all times, as in the IANA database. @default 'UTC' */
  readonly timeZone?: string | undefined;
  /** Bounds on what the page has. @default see each */
  readonly limits?: UiLimits | undefined;
  /** Says of when the page is. @default the host's */
  readonly clock?: Clock | undefined;
}

/**
 * A page over a store as one HTML file that loads nothing: what {@link createUiHandler} shows at an address, with its curves and pictures in it, without forms and links. It is what the link "Export" of a page downloads.
 *
 * Throws `NotFoundError` for a page, or something to show, that there is not, and `ValidationError` for an address that cannot be read.
 *
 * @param storage - The store; it stays the caller's to close.
 * @param address - The address of the page, with or without the host: `run?id=…` or `http://127.0.0.1:4680/run?id=…`.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { exportUiPage } from 'modelkeep/ui';
 *
 * const storage = new MemoryStorage();
 * const tracker = new Tracker({ storage });
 * const id = await tracker.withRun({ experiment: 'flight-delay', name: 'baseline' }, async (run) => {
 *   run.logMetrics({ auc: 0.83 });
 *   return run.id;
 * });
 *
 * const file = await exportUiPage(storage, `run?id=${id}`);
 * console.log(file.startsWith('<!doctype html>'), file.includes('<svg')); // true true
 * ```
 */
export async function exportUiPage(storage: StorageAdapter, address: string, { signal, ...options }: ExportPageOptions = {}): Promise<string> {
  const { timeZone, limits, ...checked } = checkUiOptions(options);
  if (!URL.canParse(address, 'http://localhost/')) throw new ValidationError(`'${address}' is no address of a page; give one such as 'run?id=…'.`, { path: 'address' });
  const { pathname, searchParams } = new URL(address, 'http://localhost/');
  // Whatever the pages were mounted under, the names of pages have no slash.
  const name = pathname.split('/').at(-1) || 'runs';
  const route = Object.hasOwn(uiRoutes, name) ? uiRoutes[name] : undefined;
  if (route?.kind !== 'page') throw new NotFoundError(`There is no page '${name}'; there are ${pageNames().join(', ')}.`, { key: name });
  const call = { store: uiStore(check(storageOption, storage, 'storage'), checked), query: new Query(searchParams), links: new Links(''), formats: formatsFor(timeZone), limits, signal: signal ?? new AbortController().signal };
  try {
    return (await exportedPage(route.page, call)).text;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const message = error.advice === undefined ? error.message : `${error.message} ${error.advice}`;
    throw error.status === 404 ? new NotFoundError(message, { key: address, cause: error }) : new ValidationError(message, { path: 'address', cause: error });
  }
}

/** A page as a file. */
export interface ExportedPage {
  readonly title: string;
  readonly text: string;
}

/** What a page shows to whom cannot change anything, as a file of its own. */
export async function exportedPage(make: UiPageMaker, { writeToken: _, ...asked }: UiCall): Promise<ExportedPage> {
  const call: UiCall = { ...asked, exported: true };
  const page = await make(call);
  const at = (address: string): UiCall => ({ ...call, query: new Query(new URL(address, 'http://localhost/').searchParams) });
  const body = await inlined(page.body.toString(), {
    fragment: async (address) => (await metricChart(at(address))).toString(),
    picture: async (address) => {
      const response = await artifactFile(at(address), (type, headers) => ({ ...headers, 'content-type': type }));
      return `data:${response.headers.get('content-type')};base64,${toBase64(new Uint8Array(await response.arrayBuffer()))}`;
    },
  });
  return { title: page.title, text: standalone(page, body, call) };
}

function pageNames(): string[] {
  return Object.entries(uiRoutes).flatMap(([name, { kind }]) => (kind === 'page' ? [name] : []));
}

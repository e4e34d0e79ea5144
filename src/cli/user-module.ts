import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NotFoundError, ValidationError, isModelkeepError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { GateFunction, OnDemandView, Pipeline, StorageAdapter } from '../index.ts';
import type { CliHost } from './host.ts';
import { didYouMean } from './suggest.ts';

/** A pipeline, whatever its input and params. */
export type AnyPipeline = Pick<Pipeline, 'name' | 'resume'>;

/** The code that a module of the user's gives to commands. */
export interface UserModule {
  /** The pipelines by name. */
  readonly pipelines: ReadonlyMap<string, AnyPipeline>;
  /** The functions of custom gates by name. */
  readonly gates: Readonly<Record<string, GateFunction>>;
  /** On-demand views of features, with their functions. */
  readonly views: readonly OnDemandView[];
}

/**
 * Loads a module and looks at what it exports: `pipelines`, a list of them or a function that makes one for `{ storage }`; `gates`, functions by name; and `views`, a list of on-demand views. Every other export that is a pipeline or an on-demand view counts, too.
 * Throws `NotFoundError` when there is no such file, and `ValidationError` when it fails or exports something else under these names.
 */
export async function loadUserModule(file: string, storage: () => Promise<StorageAdapter>, host: CliHost): Promise<UserModule> {
  const path = resolve(host.directory, file);
  const exported = await importFrom(path, host);
  const pipelines = new Map<string, AnyPipeline>();
  const listed: unknown = typeof exported['pipelines'] === 'function' ? await (exported['pipelines'] as (context: unknown) => unknown)({ storage: await storage() }) : exported['pipelines'];
  for (const value of [...itemsOf(listed, path), ...Object.values(exported).filter(isPipeline)]) pipelines.set(value.name, value);
  const views = [...valuesOf(exported['views']), ...Object.values(exported)].filter(isOnDemandView);
  return { pipelines, gates: gatesOf(exported['gates'], path), views };
}

/** The pipeline of a name. Throws `NotFoundError`, naming those that there are. */
export function pipelineOf({ pipelines }: UserModule, name: string): AnyPipeline {
  const found = pipelines.get(name);
  if (found !== undefined) return found;
  const known = [...pipelines.keys()];
  throw new NotFoundError(`The module has no pipeline '${name}'${didYouMean(name, known) || '.'} It has ${known.length === 0 ? 'none' : known.join(', ')}; export it, alone or in \`pipelines\`.`, { key: name });
}

async function importFrom(path: string, host: CliHost): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await host.importModule(pathToFileURL(path).href);
  } catch (cause) {
    if (isModelkeepError(cause)) throw cause;
    // A module may throw anything, null too.
    const { code, message }: Partial<NodeJS.ErrnoException> & { readonly message: string } = cause instanceof Error ? cause : { message: shown(cause, 80) };
    if (code === 'ERR_MODULE_NOT_FOUND' && message.startsWith(`Cannot find module '${path}'`)) throw new NotFoundError(`There is no module ${path}; --module takes a file of JavaScript.`, { key: path, cause });
    throw new ValidationError(`The module ${path} could not be loaded: ${message}`, { path: '--module', cause });
  }
}

function itemsOf(listed: unknown, path: string): AnyPipeline[] {
  if (listed === undefined) return [];
  return (isPipeline(listed) ? [listed] : valuesOf(listed)).map((item) => {
    if (isPipeline(item)) return item;
    throw new ValidationError(`\`pipelines\` of ${path} has ${shown(item, 80)}; export pipelines, or a function that makes them for { storage }.`, { path: 'pipelines' });
  });
}

function valuesOf(listed: unknown): unknown[] {
  return typeof listed === 'object' && listed !== null ? Object.values(listed) : listed === undefined ? [] : [listed];
}

function isOnDemandView(value: unknown): value is OnDemandView {
  return typeof value === 'object' && value !== null && typeof (value as Partial<OnDemandView>).name === 'string' && typeof (value as { readonly compute?: unknown }).compute === 'function';
}

function gatesOf(gates: unknown, path: string): Readonly<Record<string, GateFunction>> {
  if (gates === undefined) return {};
  const entries = typeof gates === 'object' && gates !== null ? Object.entries(gates as Record<string, unknown>) : [['gates', gates] as const];
  const wrong = entries.find(([, gate]) => typeof gate !== 'function');
  if (wrong !== undefined) throw new ValidationError(`\`gates\` of ${path} has ${shown(wrong[1], 80)} as '${wrong[0]}'; export an object of functions.`, { path: `gates.${wrong[0]}` });
  return gates as Readonly<Record<string, GateFunction>>;
}

/** By what it has: a module may come with a copy of this package of its own, whose classes are others. */
function isPipeline(value: unknown): value is AnyPipeline {
  return typeof value === 'object' && value !== null && typeof (value as Partial<AnyPipeline>).name === 'string' && typeof (value as Partial<AnyPipeline>).resume === 'function';
}

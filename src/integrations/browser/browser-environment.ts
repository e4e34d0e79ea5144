import type { Undo } from '../../core/clock.ts';
import type { CodeRecord, Environment, EnvironmentRecord } from '../../core/environment.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { browserSystemMetrics } from './browser-system-metrics.ts';
import { gpuName } from './gpu-name.ts';
import { pageAddress, withoutCredentials, type PageLocation } from './page-address.ts';

/** What a page knows of its own code, which it cannot find out by itself: its bundler has to tell. */
export interface BrowserEnvironmentOptions {
  /** Commit, branch and remote that the page was built from, and the module that was its `entry`. @default unknown, and the entry is the address of the page */
  code?: Pick<CodeRecord, 'commit' | 'branch' | 'remote' | 'dirty' | 'entry'> | undefined;
  /** Versions by package name, such as those that were bundled. @default unknown */
  packages?: Readonly<Record<string, string>> | undefined;
  /** Whether the name of the graphics processor is recorded, as `gpu`, where WebGL tells; it helps to tell visitors apart, so ask them first. @default false */
  gpu?: boolean | undefined;
}

/** What a page or a worker offers of what is asked for; which of it there is differs from browser to browser. */
interface BrowserGlobals {
  readonly navigator?: {
    readonly userAgent?: string;
    readonly userAgentData?: { readonly brands?: readonly { readonly brand: string; readonly version: string }[]; readonly platform?: string };
    readonly platform?: string;
    readonly hardwareConcurrency?: number;
    readonly deviceMemory?: number;
  };
  readonly location?: PageLocation;
  readonly document?: { readonly visibilityState: string };
  addEventListener?(type: string, listener: () => void): void;
  removeEventListener?(type: string, listener: () => void): void;
}

/**
 * What a run should know of the page or worker it took place in: the browser and its version, the platform, how many threads and about how much memory there are, and the address of the page without its query and fragment and
 * without parts of its path that look like keys. Nothing that is there to tell one visitor from another is recorded: no language, no screen, no whole user agent, and the graphics processor only with `gpu`.
 *
 * Open runs are flushed when the page is hidden, left or frozen (`visibilitychange`, `pagehide`, `freeze`; never `unload`). With `IndexedDBStorage`, points that were logged before are written within the turn of that event, and are there
 * when the page was left by a link, a reload or the closing of its tab; tags and notes that were set in the last half second may be lost, and so may points with a storage that takes longer, such as one behind a network. A crash of the
 * page tells nobody: it loses what was logged since the last flush, half a second by default.
 *
 * The load of the page ({@link browserSystemMetrics}) is logged by every run, unless the tracker or the run is given `systemMetrics: false`.
 *
 * @throws {ValidationError} when `code` or `packages` is no object, or `gpu` not true or false.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { browserEnvironment } from 'modelkeep/browser';
 *
 * const environment = browserEnvironment({ code: { commit: '3f2a9c1' } });
 * const tracker = new Tracker({ storage: new MemoryStorage(), environment });
 * const run = await tracker.startRun({ experiment: 'demo' });
 * await run.end();
 * console.log((await tracker.environment(run.id))?.code?.commit); // 3f2a9c1
 * ```
 */
export function browserEnvironment(options: BrowserEnvironmentOptions = {}): Environment {
  for (const name of ['code', 'packages'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && (typeof value !== 'object' || value === null)) throw new ValidationError(`${name} is ${shown(value, 80)}; give an object.`, { path: name });
  }
  if (options.gpu !== undefined && typeof options.gpu !== 'boolean') throw new ValidationError(`gpu is ${shown(options.gpu, 80)}; give true or false.`, { path: 'gpu' });
  return { describe: async () => describe(browserGlobals(), options), onExit, systemMetrics: browserSystemMetrics() };
}

/** What there is of it here; in Node nothing. */
function browserGlobals(): BrowserGlobals {
  const host: object = globalThis;
  return host;
}

function describe({ navigator, location }: BrowserGlobals, { code, packages, gpu }: BrowserEnvironmentOptions): EnvironmentRecord {
  const version = versionOf(navigator);
  const platform = navigator?.userAgentData?.platform || navigator?.platform;
  const cores = navigator?.hardwareConcurrency;
  const gibibytes = navigator?.deviceMemory;
  const entry = pageAddress(location);
  const remote = code?.remote === undefined ? {} : { remote: withoutCredentials(code.remote) };
  const graphics = gpu ? gpuName() : undefined;
  return {
    runtime: 'browser',
    ...(version === undefined ? {} : { runtimeVersion: version }),
    ...(platform ? { platform } : {}),
    ...(cores === undefined ? {} : { cpu: { cores } }),
    ...(gibibytes === undefined ? {} : { memoryBytes: gibibytes * 2 ** 30 }),
    ...(code === undefined && entry === undefined ? {} : { code: { ...(entry === undefined ? {} : { entry }), ...code, ...remote } }),
    ...(packages === undefined ? {} : { packages: { ...packages } }),
    ...(graphics === undefined ? {} : { gpu: graphics }),
  };
}

/** Browsers name themselves in several ways at once; made-up brands among them have the word "Brand" in their names. */
function versionOf(navigator: BrowserGlobals['navigator']): string | undefined {
  const brands = navigator?.userAgentData?.brands?.filter(({ brand }) => !/brand/i.test(brand));
  const [known] = brands?.some(({ brand }) => brand !== 'Chromium') ? brands.filter(({ brand }) => brand !== 'Chromium') : (brands ?? []);
  if (known !== undefined) return `${known.brand} ${known.version}`;
  const [, name, version] = /(Firefox|Edg|OPR|Chrome|Version)\/([\d.]+)/.exec(navigator?.userAgent ?? '') ?? [];
  if (name === undefined) return undefined;
  return `${name === 'Version' ? 'Safari' : name} ${version}`;
}

function onExit(listener: () => void | Promise<void>): Undo {
  const globals = browserGlobals();
  const leaving = (): void => {
    // A listener reports its own failures; one that rejects all the same must not reach the page.
    void (async () => listener())().catch(() => undefined);
  };
  const hidden = (): void => {
    if (globals.document?.visibilityState === 'hidden') leaving();
  };
  // Never `unload`, which keeps a page out of the back/forward cache. A page in the background can be frozen, and then thrown away without another word.
  const listeners = { pagehide: leaving, freeze: leaving, visibilitychange: hidden } as const;
  for (const [type, each] of Object.entries(listeners)) globals.addEventListener?.(type, each);
  return () => {
    for (const [type, each] of Object.entries(listeners)) globals.removeEventListener?.(type, each);
  };
}

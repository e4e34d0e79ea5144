import { availableParallelism, cpus, totalmem } from 'node:os';
import { basename, isAbsolute, relative, sep } from 'node:path';
import type { Undo } from '../../core/clock.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import type { CodeRecord, Environment, EnvironmentRecord } from '../../core/environment.ts';
import { ValidationError } from '../../core/errors.ts';
import { describeGit } from './git.ts';
import { nodeSystemMetrics } from './node-system-metrics.ts';
import { describeLockfile, describePackages } from './packages.ts';
import { redactCommand } from './redact.ts';

/** What {@link nodeEnvironment} looks at. */
export interface NodeEnvironmentOptions {
  /** The directory whose repository, lockfile and package.json count. @default the working directory */
  cwd?: string | undefined;
  /** Bytes of the diff between the working tree and the commit that are kept; 0 keeps none. @default 262_144 */
  maxDiffBytes?: number | undefined;
  /** How long one question to git may take. @default '3s' */
  gitTimeout?: Duration | undefined;
}

/**
 * What a run should know of the Node process it took place in: git commit, branch, remote, whether tracked files differ and how, entry script and whether git has it, command line,
 * runtime, platform, CPU, memory, lockfile and installed versions of the direct dependencies. What cannot be found out is left out: without git, or outside a
 * repository, the record says nothing of the commit.
 *
 * Secrets are redacted where they can be told from other text: credentials in URLs and in the remote, values of options and fields named like secrets,
 * authorization headers and tokens of well-known forms in the command line. Environment variables are not recorded. The diff leaves out files that hold
 * secrets by their name (`.env`, `.npmrc`, `*.pem`, `*secret*` and their like) and is otherwise recorded as it is; give `maxDiffBytes: 0` where other tracked
 * files hold secrets.
 *
 * The load of the process ({@link nodeSystemMetrics}) is logged by every run, unless the tracker or the run is given `systemMetrics: false`.
 *
 * All is collected once, at the first run, without blocking the event loop. Runs that are open when the process is about to exit by itself (`beforeExit`) are
 * flushed; `process.exit()` and signals leave no time for that.
 *
 * @example
 * ```ts
 * import { MemoryStorage, Tracker } from 'modelkeep';
 * import { nodeEnvironment } from 'modelkeep/node';
 *
 * const tracker = new Tracker({ storage: new MemoryStorage(), environment: nodeEnvironment() });
 * const run = await tracker.startRun({ experiment: 'demo' });
 * await run.end();
 * const environment = await tracker.environment(run.id);
 * console.log(environment?.runtime, environment?.platform); // node linux
 * ```
 */
export function nodeEnvironment(options: NodeEnvironmentOptions = {}): Environment {
  const { cwd = process.cwd(), maxDiffBytes = 262_144, gitTimeout = '3s' } = options;
  if (!Number.isSafeInteger(maxDiffBytes) || maxDiffBytes < 0) {
    throw new ValidationError(`maxDiffBytes is ${String(maxDiffBytes)}; give a whole number of at least 0.`, { path: 'maxDiffBytes' });
  }
  const timeoutMs = durationMs(gitTimeout, 'gitTimeout');
  let record: Promise<EnvironmentRecord> | undefined;
  return {
    describe: () => (record ??= collect({ cwd, maxDiffBytes, timeoutMs })),
    onExit: exitHook(),
    systemMetrics: nodeSystemMetrics(),
  };
}

async function collect(options: { cwd: string; maxDiffBytes: number; timeoutMs: number }): Promise<EnvironmentRecord> {
  const [git, lockfile, packages] = await Promise.all([
    describeGit({ ...options, entry: process.argv[1] }).catch(() => ({})),
    describeLockfile(options.cwd).catch(() => undefined),
    describePackages(options.cwd).catch(() => undefined),
  ]);
  const cores = availableParallelism();
  const model = cpus()[0]?.model.trim();
  const code: CodeRecord = { ...git, ...commandOf(options.cwd) };
  return {
    runtime: 'node',
    runtimeVersion: process.versions.node,
    platform: process.platform,
    architecture: process.arch,
    cpu: { cores, ...(model ? { model } : {}) },
    memoryBytes: totalmem(),
    code,
    ...(lockfile ? { lockfile } : {}),
    ...(packages ? { packages } : {}),
  };
}

function commandOf(cwd: string): Pick<CodeRecord, 'entry' | 'command'> {
  const [, script, ...args] = process.argv;
  const command = redactCommand([basename(process.execPath), ...process.execArgv, ...(script === undefined ? [] : [script, ...args])]);
  if (script !== undefined) return { entry: fromDirectory(cwd, script), command };
  return process.execArgv.some((arg) => /^(?:-[ep]|-pe|--eval|--print)(?:=|$)/.test(arg)) ? { command } : { entry: '-', command };
}

/** The path as seen from a directory, where it lies inside; the same on every machine then. */
function fromDirectory(directory: string, path: string): string {
  const inside = relative(directory, path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside.split(sep).join('/');
}

/** One listener of the process for all of ours, since Node warns of many. */
function exitHook(): (listener: () => void | Promise<void>) => Undo {
  const listeners = new Set<() => void | Promise<void>>();
  const beforeExit = (): void => {
    // A listener reports its own failures; one that rejects all the same must not crash the host.
    for (const listener of listeners) void (async () => listener())().catch(() => undefined);
  };
  return (listener) => {
    if (listeners.size === 0) process.on('beforeExit', beforeExit);
    listeners.add(listener);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) process.off('beforeExit', beforeExit);
    };
  };
}

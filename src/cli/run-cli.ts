import { resolve } from 'node:path';
import { untilAborted } from '../core/abort.ts';
import { ValidationError, isModelkeepError } from '../core/errors.ts';
import type { StorageAdapter } from '../index.ts';
import type { Command, CommandCall, OptionDefinitions, OptionValues } from './command.ts';
import { commands, type CommandLoaders } from './commands.ts';
import { exitCodes, type ExitCode } from './exit-code.ts';
import { findCommand, type FoundCommand } from './find-command.ts';
import { commandHelp, helpOf, overviewHelp } from './help.ts';
import type { CliHost, InterruptSignal } from './host.ts';
import { openStore, storePlace } from './open-store.ts';
import { createOutput } from './output/output.ts';
import { textPage } from './output/page.ts';
import { progressLine } from './output/progress-line.ts';
import { leadingWords, parseArguments, type ParsedArguments } from './parse-arguments.ts';
import { reportError } from './report-error.ts';
import { orStandstill } from './standstill.ts';
import { UsageError, usageError } from './usage-error.ts';
import { loadUserModule, type UserModule } from './user-module.ts';
import { packageVersion } from './version.ts';

const interruptCodes: Readonly<Record<InterruptSignal, 130 | 143>> = { SIGINT: 130, SIGTERM: 143 };

/** Runs a command line and resolves to the code that the process ends with. Never rejects; whatever goes wrong is told on standard error. */
export async function runCli(args: readonly string[], host: CliHost, loaders: CommandLoaders = commands): Promise<ExitCode> {
  // Before anything is parsed: what goes wrong with parsing is told in the form that was asked for, too.
  const json = args.includes('--json');
  try {
    return await dispatch(args, host, loaders);
  } catch (error) {
    await reportError(error, host, json);
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

async function dispatch(args: readonly string[], host: CliHost, loaders: CommandLoaders): Promise<ExitCode> {
  const show = async (text: string): Promise<ExitCode> => {
    await host.stdout.write(`${text}\n`);
    return exitCodes.done;
  };
  const page = textPage(host);
  const words = leadingWords(args).map(({ word }) => word);
  const wantsHelp = args.some((arg) => arg === '--help' || arg === '-h');
  if (args[0] === '--version' || args[0] === '-v') return show(await packageVersion());
  if (words[0] === 'help' && words.length > 1) return show(await helpOf(words.slice(1), loaders, page));
  if (words[0] === 'help' || args.length === 0 || (words.length === 0 && wantsHelp)) return show(await overviewHelp(loaders, page));
  if (wantsHelp && words.length === 1 && loaders[words[0]!] === undefined) return show(await helpOf(words, loaders, page));
  const found = await findCommand(args, loaders);
  const parsed = parseArguments(found.args, found.command);
  return parsed.options['help'] === true ? show(commandHelp(found.command, page)) : runCommand(found, parsed, host);
}

async function runCommand({ command }: FoundCommand, parsed: ParsedArguments, host: CliHost): Promise<ExitCode> {
  const stop = new AbortController();
  let interrupted: InterruptSignal | undefined;
  let closed = false;
  const undo = host.onInterrupt((signal) => {
    // Who asks twice does not want to wait for what is being finished.
    if (interrupted !== undefined) return host.exit(interruptCodes[interrupted]);
    interrupted = signal;
    stop.abort(new Error(signal));
  });
  const scope = new CallScope(parsed, host, stop.signal, () => {
    closed = true;
    stop.abort(new Error('Nobody reads the output any more.'));
  });
  try {
    const code = await scope.run(command);
    return interrupted === undefined ? code : interruptCodes[interrupted];
  } catch (error) {
    const aborted = stop.signal.aborted && (isModelkeepError(error, 'aborted') || error === stop.signal.reason);
    if (interrupted !== undefined) {
      if (!aborted) await reportError(error, host, scope.json);
      return interruptCodes[interrupted];
    }
    if (closed && aborted) return exitCodes.done;
    throw error;
  } finally {
    undo();
  }
}

/** What a call of a command has, and lets go of behind it. */
class CallScope {
  readonly json: boolean;
  readonly #parsed: ParsedArguments;
  readonly #host: CliHost;
  readonly #signal: AbortSignal;
  readonly #onClosed: () => void;
  readonly #stores: Promise<StorageAdapter>[] = [];
  #store: Promise<StorageAdapter> | undefined;
  /** Whether the module is awaited. */
  #loading = false;

  constructor(parsed: ParsedArguments, host: CliHost, signal: AbortSignal, onClosed: () => void) {
    this.json = parsed.options['json'] === true;
    this.#parsed = parsed;
    this.#host = host;
    this.#signal = signal;
    this.#onClosed = onClosed;
  }

  async run(command: Command): Promise<ExitCode> {
    const host = this.#host;
    const { show, clear } = progressLine(host, this.json);
    const call: CommandCall = {
      options: this.#parsed.options as OptionValues<OptionDefinitions>,
      positionals: this.#parsed.positionals,
      storage: (options = {}) => (this.#store ??= this.#opened(openStore(storePlace(this.#text('store'), host), host, options, host.env['MODELKEEP_TOKEN'], this.#signal))),
      storeOption: this.#text('store'),
      targetStorage: (place, options = {}) => this.#opened(openStore(place, host, options, host.env['MODELKEEP_TARGET_TOKEN'], this.#signal)),
      module: async () => {
        const module = await call.moduleIfGiven();
        if (module === undefined) throw new UsageError('This needs your code: --module FILE, a JavaScript module that exports it.', `See 'modelkeep ${command.path.join(' ')} --help'.`);
        return module;
      },
      moduleIfGiven: () => this.#module(() => call.storage()),
      out: createOutput(host, this.json, clear, this.#onClosed),
      progress: show,
      signal: this.#signal,
      host,
    };
    try {
      return (await orStandstill(command.run(call), host, () => this.#standstill(command))) ?? exitCodes.done;
    } catch (error) {
      throw usageError(error, command, this.#parsed) ?? error;
    } finally {
      await clear();
      await orStandstill(this.#close(), host, () => this.#standstill(command));
    }
  }

  async #close(): Promise<void> {
    for (const store of this.#stores) await (await store.catch(() => undefined))?.close();
  }

  /** Nothing of the library waits for what never comes; code of the user may. */
  #standstill({ path }: Command): Error {
    const file = this.#text('module');
    if (file === undefined) return new Error(`'modelkeep ${path.join(' ')}' waits for what nothing in the process can bring any more.`);
    const what = this.#loading ? 'never came to its end' : 'never came to an end with what it was called for';
    return new ValidationError(`The module ${resolve(this.#host.directory, file)} ${what}: it awaits what nothing in the process can bring any more.`, { path: '--module' });
  }

  #opened(store: Promise<StorageAdapter>): Promise<StorageAdapter> {
    this.#stores.push(store);
    return store;
  }

  async #module(storage: () => Promise<StorageAdapter>): Promise<UserModule | undefined> {
    const file = this.#text('module');
    if (file === undefined) return undefined;
    this.#loading = true;
    // The code of the module may wait for something that comes late.
    const module = await untilAborted(loadUserModule(file, storage, this.#host), this.#signal, 'Loading the module');
    this.#loading = false;
    return module;
  }

  #text(name: string): string | undefined {
    return this.#parsed.options[name] as string | undefined;
  }
}

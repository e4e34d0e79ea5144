import type { Progress } from '../core/progress.ts';
import type { StorageAdapter } from '../index.ts';
import type { ExitCode } from './exit-code.ts';
import type { CliHost } from './host.ts';
import type { Output } from './output/output.ts';
import type { UserModule } from './user-module.ts';
import type { ValueRule } from './value-rules.ts';

/** An option of a command. */
export interface OptionDefinition {
  /** `flag` is there or not, `text` and `number` take a value, `texts` may be given several times. */
  readonly type: 'flag' | 'text' | 'texts' | 'number';
  /** What it does, as a line of the help. */
  readonly description: string;
  /** What stands for its value in the help, such as `DIR`. Flags have none. */
  readonly value?: string;
  /** One letter. */
  readonly short?: string;
  /** The values that it may have. @default any */
  readonly choices?: readonly string[];
  /** What a value must be besides; a line that has another one is wrong usage, and nothing is done. @default anything but an empty text */
  readonly rule?: ValueRule;
  /** The path under which the library complains of a value, where only it can tell; that is wrong usage as well. */
  readonly path?: string;
  /** What happens without it, for the help. */
  readonly otherwise?: string;
}

/** The options of a command by name. */
export type OptionDefinitions = Readonly<Record<string, OptionDefinition>>;

/** What options come to. */
export type OptionValues<O extends OptionDefinitions> = {
  readonly [K in keyof O]: O[K]['type'] extends 'flag' ? boolean : O[K]['type'] extends 'texts' ? readonly string[] : O[K]['type'] extends 'number' ? number | undefined : string | undefined;
};

/** An argument that is no option. */
export interface PositionalDefinition {
  /** What stands for it in the help, such as `RUN`. */
  readonly name: string;
  readonly description: string;
  /** Whether it may be left out. @default false */
  readonly optional?: boolean;
  /** Whether several may stand here; only the last may. @default false */
  readonly several?: boolean;
}

/** A command line that shows how a command is used. */
export interface CommandExample {
  /** Without the name of the program, such as `runs ls --limit 5`. */
  readonly command: string;
  readonly does: string;
}

/** A command. Its file loads nothing of the library before it runs, so that help and completion are quick. */
export interface Command<O extends OptionDefinitions = OptionDefinitions> {
  /** The words that call it, such as `['runs', 'ls']`. */
  readonly path: readonly string[];
  /** What it does, in one line. */
  readonly summary: string;
  /** What there is to say besides, in paragraphs. @default nothing */
  readonly details?: readonly string[];
  readonly options: O;
  readonly positionals: readonly PositionalDefinition[];
  readonly examples: readonly CommandExample[];
  /** Does it. What it throws is told to the user; without a code it was done. */
  run(call: CommandCall<O>): Promise<ExitCode | void>;
}

/** A call of a command. */
export interface CommandCall<O extends OptionDefinitions = OptionDefinitions> {
  readonly options: OptionValues<O>;
  /** As many as the command wants. */
  readonly positionals: readonly string[];
  /** The store that `--store` or the environment names; opened once, closed after the command. Throws `NotFoundError` when it is not there, unless it may be made. */
  readonly storage: (options?: OpenOptions) => Promise<StorageAdapter>;
  /** What `--store` says; undefined without it. */
  readonly storeOption: string | undefined;
  /** A further store, at a place that an argument names; closed after the command. Of a server, the token is `MODELKEEP_TARGET_TOKEN`, for that of `--store` is nobody else's business. */
  readonly targetStorage: (place: string, options?: OpenOptions) => Promise<StorageAdapter>;
  /** What the user's module has. Throws `UsageError` without `--module`. */
  readonly module: () => Promise<UserModule>;
  /** The same where a module is of use but not needed: nothing without `--module`. */
  readonly moduleIfGiven: () => Promise<UserModule | undefined>;
  readonly out: Output;
  /** Shows how far something is, on a terminal. */
  readonly progress: (progress: Progress) => void;
  /** Fires on Ctrl-C, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  readonly host: CliHost;
}

/** How a store is opened. */
export interface OpenOptions {
  /** Whether it may be made when there is none. @default false */
  readonly create?: boolean | undefined;
}

/** A command whose call knows the types of its options. */
export function defineCommand<const O extends OptionDefinitions>(command: Command<O>): Command {
  return command;
}

import type { Clock, Undo } from '../core/clock.ts';

/** A stream that the command line writes to. */
export interface OutputStream {
  /** Whether a person looks at it. */
  readonly isTerminal: boolean;
  /** Columns of the terminal; undefined where there is none. */
  readonly columns: number | undefined;
  /** Resolves when the system has taken the bytes; false when nobody reads any more. */
  write(chunk: string | Uint8Array): Promise<boolean>;
}

/** A signal that asks the process to end. */
export type InterruptSignal = 'SIGINT' | 'SIGTERM';

/** Everything that the command line knows of the process it runs in, so that it can be run without one. */
export interface CliHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory that relative paths are taken from. */
  readonly directory: string;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** What is piped in. */
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly clock: Clock;
  /** IANA name of the zone that times are shown in. */
  readonly timeZone: string;
  /** What the runtime calls itself, such as `v22.11.0`. */
  readonly runtimeVersion: string;
  /** Calls `listener` when the process is asked to end. */
  onInterrupt(listener: (signal: InterruptSignal) => void): Undo;
  /** Calls `listener` when nothing goes on in the process any more, so that whatever is still waited for will never be. */
  onStandstill(listener: () => void): Undo;
  /** Opens an address in the browser of the system; false where there is none. */
  openAddress(url: string): Promise<boolean>;
  /** Ends the process at once. */
  exit(code: number): void;
  /** What a module of the user's exports. */
  importModule(url: string): Promise<Readonly<Record<string, unknown>>>;
}

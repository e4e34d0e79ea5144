import { systemClock } from '../core/clock.ts';
import { openAddress } from './open-address.ts';
import type { CliHost, InterruptSignal, OutputStream } from './host.ts';

/** The process of Node that this is. */
export function processHost(): CliHost {
  return {
    env: process.env,
    directory: process.cwd(),
    stdout: outputStream(process.stdout),
    stderr: outputStream(process.stderr),
    stdin: process.stdin,
    clock: systemClock,
    timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
    runtimeVersion: process.version,
    onInterrupt(listener) {
      const signals: readonly InterruptSignal[] = ['SIGINT', 'SIGTERM'];
      for (const signal of signals) process.on(signal, listener);
      return () => {
        for (const signal of signals) process.off(signal, listener);
      };
    },
    onStandstill(listener) {
      process.on('beforeExit', listener);
      return () => void process.off('beforeExit', listener);
    },
    openAddress: (url) => openAddress(url),
    exit: (code) => process.exit(code),
    importModule: async (url) => (await import(url)) as Readonly<Record<string, unknown>>,
  };
}

const readerGone: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

function outputStream(stream: NodeJS.WriteStream): OutputStream {
  // A reader that went away, as `head` does, is told as an event too, which would end the process with a stack trace.
  stream.on('error', () => undefined);
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
    write: (chunk) =>
      new Promise((resolve, reject) => {
        stream.write(chunk, (error) => {
          if (error === null || error === undefined) resolve(true);
          // That nobody reads on is no error; that it does not fit is one, for what was written is not whole.
          else if (readerGone.has((error as NodeJS.ErrnoException).code)) resolve(false);
          else reject(error);
        });
      }),
  };
}

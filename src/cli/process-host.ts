import { compileFunction, constants } from 'node:vm';
import { systemClock } from '../core/clock.ts';
import type { CliHost, InterruptSignal, OutputStream } from './host.ts';

/** The process of Node that this is. */
export function processHost(): CliHost {
  // Compiled apart, for the module is the user's and no part of this package: nothing that follows imports may look for it.
  const load = compileFunction('return import(url)', ['url'], { importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER }) as (url: string) => Promise<Record<string, unknown>>;
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
    exit: (code) => process.exit(code),
    importModule: load,
  };
}

function outputStream(stream: NodeJS.WriteStream): OutputStream {
  // A reader that went away, as `head` does, is told as an event too, which would end the process with a stack trace.
  stream.on('error', () => undefined);
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
    write: (chunk) => new Promise((resolve) => stream.write(chunk, (error) => resolve(error === null || error === undefined))),
  };
}

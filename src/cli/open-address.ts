import { spawn } from 'node:child_process';

/** What opens an address on a system; `start` is a word of its shell. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = { darwin: ['open'], win32: ['cmd', '/c', 'start', '""'] };

/** One that has not failed after so long is the browser itself. */
const longestMs = 2_000;

/** Opens an address in the browser of the system; false where there is none. The browser goes on when this process ends. */
export function openAddress(url: string): Promise<boolean> {
  const [command, ...before] = openers[process.platform] ?? (['xdg-open'] as const);
  return new Promise((resolve) => {
    const child = spawn(command, [...before, url], { stdio: 'ignore', detached: true });
    const timer = setTimeout(resolve, longestMs, true);
    const end = (opened: boolean): void => {
      clearTimeout(timer);
      resolve(opened);
    };
    child.once('error', () => end(false));
    child.once('exit', (code) => end(code === 0));
    child.unref();
    timer.unref();
  });
}

import { spawn } from 'node:child_process';

/** What opens an address on a system. No shell reads the address: `start`, which is a word of one, would end it at its first `&` and run what stands behind. */
const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = { darwin: ['open'], win32: ['rundll32', 'url.dll,FileProtocolHandler'] };

/** One that has not failed after so long is the browser itself. */
const longestMs = 2_000;

/** Opens an address in the browser of the system; false where there is none. The browser goes on when this process ends. */
export function openAddress(url: string, platform: NodeJS.Platform = process.platform): Promise<boolean> {
  const [command, ...before] = openers[platform] ?? (['xdg-open'] as const);
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

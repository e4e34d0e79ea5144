import { describe } from 'vitest';
import { missingBrowser } from './browser.ts';

/** `describe` for tests that need a real browser: where there is none, they are skipped and the reason is printed. */
export function describeInBrowser(name: string, body: () => void): void {
  if (missingBrowser === undefined) {
    describe(name, body);
    return;
  }
  console.warn(`Skipped ${name}: ${missingBrowser}.`);
  describe.skip(`${name} (${missingBrowser})`, body);
}

import type { Progress } from '../../core/progress.ts';
import type { CliHost } from '../host.ts';
import { printable } from './printable.ts';
import { fitted } from './text-width.ts';

/** A line on standard error that tells how far something is, and goes away. */
export interface ProgressLine {
  readonly show: (progress: Progress) => void;
  readonly clear: () => Promise<void>;
}

const redrawMs = 100;

/** Shows progress where a person looks at standard error and nothing else reads it; nowhere else. */
export function progressLine({ stderr, env, clock }: CliHost, json: boolean): ProgressLine {
  if (!stderr.isTerminal || json || env['CI'] || env['NO_COLOR'] || env['TERM'] === 'dumb') return { show: () => undefined, clear: async () => undefined };
  let drawnAt = -Infinity;
  let drawn = false;
  return {
    show({ phase, done, total }) {
      const now = clock.monotonic();
      if (now - drawnAt < redrawMs) return;
      drawnAt = now;
      drawn = true;
      const share = total === undefined || total === 0 ? '' : ` ${Math.floor((100 * Math.min(done, total)) / total)} %`;
      const text = `${printable(phase)}${share} (${done.toLocaleString('en')}${total === undefined ? '' : ` of ${total.toLocaleString('en')}`})`;
      void stderr.write(`\r\x1b[2K${fitted(text, (stderr.columns ?? 80) - 1)}`);
    },
    async clear() {
      if (!drawn) return;
      drawn = false;
      await stderr.write('\r\x1b[2K');
    },
  };
}

import type { Style } from './page.ts';

const kinds: Readonly<Record<string, Parameters<Style>[0]>> = {
  finished: 'good', succeeded: 'good', production: 'good', present: 'good', passed: 'good', ok: 'good', pass: 'good',
  failed: 'bad', crashed: 'bad', drifted: 'bad', damage: 'bad', fail: 'bad',
  killed: 'doubtful', cancelled: 'doubtful', waiting: 'doubtful', staging: 'doubtful', leftover: 'doubtful', unknown: 'doubtful', warning: 'doubtful',
  archived: 'faint', skipped: 'faint',
};

/** How a status stands out, beside being written. */
export function statusStyle(status: string): Parameters<Style>[0] | undefined {
  return kinds[status];
}

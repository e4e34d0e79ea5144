import { fork } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { childProgram } from '../child-program.ts';

const cacheBytes = 1024 * 1024;

interface Held {
  /** Bytes. */
  readonly held: number;
  /** Digests of the answers of two passes over all entities. */
  readonly answers: readonly string[];
}

/** Measured in a process where nothing else makes and leaves objects meanwhile. */
async function measured(name: string): Promise<{ readonly bounded: Held; readonly unbounded: Held }> {
  const child = fork(childProgram('record-cache-child.ts', import.meta.url), [String(cacheBytes), name], { execArgv: ['--expose-gc'] });
  const [message] = (await once(child, 'message')) as [{ bounded: Held; unbounded: Held }];
  return message;
}

describe('records that were decoded', () => {
  it.each(['columns of numbers', 'texts and plain data', 'aggregates', 'aggregates by category and of order'])(
    'take no more memory than cacheBytes says, and are decoded again when they were let go: %s',
    async (name) => {
      const { bounded, unbounded } = await measured(name);
      expect(bounded.answers).toEqual(unbounded.answers);
      expect(bounded.answers[1]).toBe(bounded.answers[0]);
      expect(bounded.held).toBeLessThan(cacheBytes);
      expect(unbounded.held).toBeGreaterThan(2 * cacheBytes);
    },
  );
});

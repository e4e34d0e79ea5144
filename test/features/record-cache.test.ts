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

/** Code that is compiled while something is measured would be counted with it. */
const flags = ['--expose-gc', '--no-opt', '--no-sparkplug', '--no-flush-bytecode'];

/** Measured in a process where nothing else makes and leaves objects meanwhile. */
async function measured(name: string): Promise<{ readonly bounded: Held; readonly unbounded: Held }> {
  const child = fork(childProgram('record-cache-child.ts', import.meta.url), [String(cacheBytes), name], { execArgv: flags });
  const [message] = (await once(child, 'message')) as [{ bounded: Held; unbounded: Held }];
  return message;
}

describe('records that were decoded', () => {
  it.each(['columns of numbers', 'texts and plain data', 'aggregates', 'aggregates by category and of order'])(
    'take as much memory as cacheBytes says and no more, and are decoded again when they were let go: %s',
    async (name) => {
      const { bounded, unbounded } = await measured(name);
      expect(bounded.answers).toEqual(unbounded.answers);
      expect(bounded.answers[1]).toBe(bounded.answers[0]);
      expect(bounded.held).toBeLessThan(cacheBytes);
      // Nor much less, or records would be decoded again for which there is room.
      expect(bounded.held).toBeGreaterThan(0.75 * cacheBytes);
      expect(unbounded.held).toBeGreaterThan(2 * cacheBytes);
    },
  );
});

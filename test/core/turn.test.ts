import { describe, expect, it } from 'vitest';
import { hostTurn } from '../../src/core/turn.ts';

describe('the turn of the host', () => {
  it.each([
    ['where there is setImmediate', globalThis.setImmediate],
    ['in a page', undefined],
  ])('comes after all that is there already, %s', async (_, setImmediate) => {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'setImmediate')!;
    const order: string[] = [];
    try {
      Object.defineProperty(globalThis, 'setImmediate', { ...own, value: setImmediate });
      const turn = new Promise<void>((resolve) => hostTurn(() => (order.push('turn'), resolve())));
      await Promise.resolve().then(() => order.push('promise'));
      await turn;
    } finally {
      Object.defineProperty(globalThis, 'setImmediate', own);
    }
    expect(order).toEqual(['promise', 'turn']);
  });
});

import { describe, expect, it } from 'vitest';
import { encode } from '../../src/core/codec.ts';
import { describeFailure } from '../../src/core/failure.ts';

describe('describeFailure', () => {
  it('takes what an error says', () => {
    expect(describeFailure(Object.assign(new RangeError('too far'), { code: 'E_FAR' }))).toEqual({ name: 'RangeError', message: 'too far', code: 'E_FAR' });
  });

  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const hostile = {
    get message(): string {
      throw new Error('no');
    },
  };
  it.each<[string, unknown, object]>([
    ['a text', 'text', { name: 'string', message: 'text' }],
    ['nothing', undefined, { name: 'undefined', message: 'undefined' }],
    ['a symbol', Symbol('s'), { name: 'symbol', message: 'Symbol(s)' }],
    ['an object', { reason: 1 }, { name: 'Error', message: '[object Object]' }],
    ['a getter that throws', hostile, { name: 'Error', message: 'What was thrown could not be read.' }],
    ['a revoked proxy', revoked.proxy, { name: 'Error', message: 'What was thrown could not be read.' }],
    ['half a character', new Error('a\ud800b\udc00'), { name: 'Error', message: 'a\ufffdb\ufffd' }],
    ['a whole character', new Error('😀'), { name: 'Error', message: '😀' }],
    ['a cut through a character', new Error(`${'x'.repeat(9_999)}😀`), { name: 'Error', message: `${'x'.repeat(9_999)}\ufffd…` }],
  ])('makes %s storable', (_, thrown, expected) => {
    const failure = describeFailure(thrown);
    expect(failure).toEqual(expected);
    expect(() => encode(failure)).not.toThrow();
  });
});

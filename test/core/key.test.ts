import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertKey, assertPrefix, escapeSegment, isSegment, unescapeSegment } from '../../src/core/key.ts';

const name = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', '_', '.', '-', '0', 'A', 'é'), maxLength: 130 }),
  fc.constantFrom('', '.', '..', 'con', 'CON', 'nul.txt', 'com1', '_', '__', '_a_', 'a/b', 'a'.repeat(120), 'a'.repeat(121)),
);

describe('escapeSegment', () => {
  it('makes a segment of any text, another for each, and gives it back where length allows', () => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        const escaped = escapeSegment(a);
        expect(isSegment(escaped)).toBe(true);
        if (a !== b) expect(escapeSegment(b)).not.toBe(escaped);
        const back = unescapeSegment(escaped);
        if (back === undefined) expect(escaped).toMatch(/^__[0-9a-f]{64}$/);
        else expect(back).toBe(a);
      }),
      { numRuns: 5000 },
    );
  });

  it('stays within the length of a segment at every length', () => {
    for (let length = 0; length <= 130; length++) {
      for (const text of ['a'.repeat(length), 'A'.repeat(length), `_${'a'.repeat(length)}`, `${'a'.repeat(length)}.`]) expect(isSegment(escapeSegment(text))).toBe(true);
    }
    expect(unescapeSegment(escapeSegment(`_${'a'.repeat(115)}`))).toBe(`_${'a'.repeat(115)}`);
  });

  it('leaves plain names plain and keeps cases apart on file systems that do not', () => {
    expect(escapeSegment('val-auc.v2')).toBe('val-auc.v2');
    expect(escapeSegment('Val/AUC')).toBe('__56al_2f_41_55_43_');
    expect(escapeSegment('Model').toLowerCase()).not.toBe(escapeSegment('model').toLowerCase());
  });

  it('refuses a lone surrogate', () => {
    expect(() => escapeSegment('\ud800')).toThrow(expect.objectContaining({ code: 'validation' }));
  });

  it('does not read what it never writes', () => {
    for (const segment of ['_a', '_zz_', '__41', '_a_2_', '__61_', '_con', 'A', '', '__ff_', `__${'0'.repeat(64)}`]) expect(unescapeSegment(segment)).toBeUndefined();
  });
});

describe('keys', () => {
  it('are segments joined by slashes', () => {
    for (const key of ['a', 'a/b-c/d_e/0.1', '_', 'console', 'a.con']) expect(assertKey(key)).toBe(key);
    for (const key of ['', '/', 'a/', 'a//b', '..', 'a/../b', '.a', 'a.', 'A', 'é', 'a b', 'a\\b', 'con', 'con.txt', 'a/lpt9', 'a'.repeat(121), 'a/'.repeat(500) + 'a', 'a\n']) {
      expect(() => assertKey(key)).toThrow(expect.objectContaining({ code: 'validation' }));
    }
    for (const key of [undefined, null, 5, 5n, {}, ['a'], Symbol('a')]) expect(() => assertKey(key as string)).toThrow(/is not a key/);
  });

  it('begin with prefixes, which cannot leave the store either', () => {
    for (const prefix of ['', 'a', 'a/', 'a/b', 'a/b.']) expect(assertPrefix(prefix)).toBe(prefix);
    for (const prefix of ['/', '//', '.', '..', 'a/..', 'a/../', 'A', 'a//', 5, null]) expect(() => assertPrefix(prefix as string)).toThrow(/is not a prefix/);
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', '.', '-', '0'), minLength: 1, maxLength: 5 }).filter(isSegment), { minLength: 1 }), fc.nat(), (segments, cut) => {
        const key = assertKey(segments.join('/'));
        const prefix = key.slice(0, cut % (key.length + 1));
        expect(assertPrefix(prefix)).toBe(prefix);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { parseYaml } from '../../../src/tracking/interchange/parse-yaml.ts';
import { yamlText, yamlValue } from '../../../src/tracking/interchange/yaml-value.ts';

const value = (text: string): unknown => yamlValue(parseYaml(text, 'a.yaml'));

describe('YAML', () => {
  it.each([
    ['', null],
    ['# nothing\n', null],
    ['---\na: 1\n...\nb: 2\n', { a: 1 }],
    ['%YAML 1.2\n---\na: 1\n', { a: 1 }],
    ['a: 1\r\nb: x y # comment\r\n', { a: 1, b: 'x y' }],
    ['a:\n  b:\n    c: 1\n  d: ~\ne:\n', { a: { b: { c: 1 }, d: null }, e: null }],
    ['a:\n- 1\n- b: 2\n  c: 3\n-\n- - x\n  - y\nd: 4\n', { a: [1, { b: 2, c: 3 }, null, ['x', 'y']], d: 4 }],
    ['- a\n- b\n', ['a', 'b']],
    ['a: [1, "x, y", {b: c}, []]\nd: {}\n', { a: [1, 'x, y', { b: 'c' }, []], d: {} }],
    ['a: [1,\n  2]\n', { a: [1, 2] }],
    ["a: 'it''s'\nb: \"\\u00e9\\n\\x41\\\\\"\n", { a: "it's", b: 'é\nA\\' }],
    ['a: one\n  two\n\n  three\nb: 1\n', { a: 'one two\nthree', b: 1 }],
    ['a: "one\n  two\n\n  three\\\n  !"\n', { a: 'one two\nthree!' }],
    ["a: 'one\n\n  two'\n", { a: 'one\ntwo' }],
    ['a: |\n  x\n   y\n\nb: >-\n  x\n  y\n\n  z\nc: |+\n  x\n\n', { a: 'x\n y\n', b: 'x y\nz', c: 'x\n\n' }],
    ['"a b": 1\n\'c: d\': 2\n', { 'a b': 1, 'c: d': 2 }],
    ['a: http://x/y:z\nb: -foo\nc: a#b\n', { a: 'http://x/y:z', b: '-foo', c: 'a#b' }],
    ['a: true\nb: False\nc: yes\nd: 1e-05\ne: 0x1f\nf: .inf\ng: -.INF\nh: +7\ni: 1.\nj: 1_000\nk: 2001-01-01\n', { a: true, b: false, c: 'yes', d: 1e-5, e: 31, f: Infinity, g: -Infinity, h: 7, i: 1, j: '1_000', k: '2001-01-01' }],
    ['a: .nan\n', { a: NaN }],
    ["a: '1'\nb: 'true'\n", { a: '1', b: 'true' }],
    ['__proto__: 1\n', Object.fromEntries([['__proto__', 1]])],
  ])('%j is %j', (text, expected) => {
    expect(value(text)).toEqual(expected);
  });

  it('gives an integer that a double cannot hold as a bigint', () => {
    expect(value('a: 123456789012345678901234567890\n')).toEqual({ a: 123456789012345678901234567890n });
  });

  it('keeps the text of scalars that would be numbers', () => {
    expect(yamlText(parseYaml('run_id: 1234567e89\n', 'a'), 'run_id')).toBe('1234567e89');
    expect(yamlText(parseYaml('end_time: null\n', 'a'), 'end_time')).toBeUndefined();
    expect(yamlText(parseYaml("name: 'null'\n", 'a'), 'name')).toBe('null');
  });

  it.each([
    ['a: &x 1\n', 3],
    ['a: !!int 1\n', 3],
    ['é: 1\n b: 2\n', 7],
    ['a: "x\n', 3],
    ['a: 1\na: 2\n', undefined],
    ['a: [1, 2\n', undefined],
    ['a: "x" y\n', undefined],
    ['a: "\\q"\n', 3],
    ['just text\nb: 1\n', 10],
    [`${'['.repeat(200)}`, undefined],
  ])('%j is refused, with the place', (text, offset) => {
    expect(() => value(text)).toThrow(expect.objectContaining({ code: 'integrity', message: expect.stringContaining('a.yaml'), details: expect.objectContaining({ offset: offset ?? expect.any(Number) }) }));
  });
});

import { describe, expect, it } from 'vitest';
import type { RunFilter } from '../../../src/tracking/search/run-filter.ts';
import { checkFilter } from './runs.ts';

describe('a filter given as an object', () => {
  it('has a type that takes what is right and nothing else', () => {
    const right: RunFilter[] = [{ metric: 'a', gt: 0.8 }, { param: 'a', eq: '0.01' }, { attribute: 'status', in: ['finished'] }, { attribute: 'startedAt', between: [0, 1] }, { not: { tag: 't', ilike: 'o%' } }];
    // @ts-expect-error: a metric is a number.
    const wrong: RunFilter = { metric: 'a', like: 'x' };
    expect(right.map((filter) => checkFilter(filter))).toEqual(right);
    expect(() => checkFilter(wrong)).toThrow();
  });

  it('is taken in its plainest form', () => {
    expect(checkFilter({ attribute: 'start_time', gt: 5, lt: undefined })).toEqual({ attribute: 'startedAt', gt: 5 });
    expect(checkFilter({ attribute: 'status', in: ['FINISHED', 'failed'] })).toEqual({ attribute: 'status', in: ['finished', 'failed'] });
    expect(checkFilter({ dataset: 'context', eq: 'train' })).toEqual({ dataset: 'role', eq: 'train' });
    expect(checkFilter({ and: [{ or: [{ metric: 'a', between: [0, 1] }] }] })).toEqual({ metric: 'a', between: [0, 1] });
    expect(checkFilter({ and: [] })).toEqual({ and: [] });
  });

  it('survives JSON, numbers that JSON lacks included', () => {
    const given = { or: [{ metric: 'a', in: ['NaN', 'Infinity', 1] }, { metric: 'b', gt: '-Infinity' }] };
    expect(checkFilter(JSON.parse(JSON.stringify(given)))).toEqual({ or: [{ metric: 'a', in: [NaN, Infinity, 1] }, { metric: 'b', gt: -Infinity }] });
  });

  it('is not changed, and what the caller changes afterwards does not reach it', () => {
    const list = ['a'];
    const filter = checkFilter(Object.freeze({ tag: 't', in: list }));
    list.push('b');
    expect(filter).toEqual({ tag: 't', in: ['a'] });
  });

  it.each([
    [5, 'filter', 'is 5; give a filter such as'],
    [null, 'filter', 'is null'],
    ['metrics.a > 1', 'filter', 'give a filter such as'],
    [[], 'filter', 'is []'],
    [{}, 'filter', 'asks about nothing'],
    [{ gt: 1 }, 'filter', 'asks about nothing'],
    [{ metric: 'a' }, 'filter', 'tests nothing'],
    [{ metric: 'a', param: 'b', eq: 1 }, 'filter', 'asks about metric and param'],
    [{ metric: 'a', gt: 1, lt: 2 }, 'filter', 'has the tests gt and lt'],
    [{ metric: 'a', gte: 1, foo: 2 }, 'filter.foo', 'is unknown'],
    [{ metrics: 'a', gt: 1 }, 'filter.metrics', 'did you mean metric?'],
    [{ metric: 'a', equals: 1 }, 'filter.equals', 'is unknown'],
    [{ metric: '', gt: 1 }, 'filter.metric', 'give a name'],
    [{ metric: 5, gt: 1 }, 'filter.metric', 'is 5'],
    [{ metric: 'a', gt: '1' }, 'filter.gt', 'give a number'],
    [{ metric: 'a', gt: null }, 'filter.gt', 'is null'],
    [{ metric: 'a', in: [1, 'x'] }, 'filter.in[1]', 'give a number'],
    [{ metric: 'a', in: [] }, 'filter.in', 'at least one'],
    [{ metric: 'a', in: Array(1) }, 'filter.in[0]', 'give a number'],
    [{ metric: 'a', between: [1] }, 'filter.between', 'give [low, high]'],
    [{ metric: 'a', between: [1, 'x'] }, 'filter.between[1]', 'give a number'],
    [{ metric: 'a', like: 'x' }, 'filter.like', 'which is a number'],
    [{ metric: 'a', exists: 'yes' }, 'filter.exists', 'give true or false'],
    [{ param: 'a', eq: 5 }, 'filter.eq', "compared as text, so give '5'"],
    [{ tag: 'a', like: 5 }, 'filter.like', "so give '5'"],
    [{ tag: 'a', eq: '\udc00' }, 'filter.eq', 'lone surrogate'],
    [{ attribute: 'statsu', eq: 'x' }, 'filter.attribute', 'did you mean status?'],
    [{ attribute: 'status', eq: 'runing' }, 'filter.eq', "did you mean 'running'?"],
    [{ attribute: 'status', gt: 'failed' }, 'filter.gt', 'has no order'],
    [{ attribute: 'toString', eq: 'x' }, 'filter.attribute', 'there is no attribute'],
    [{ dataset: 'size', eq: 'x' }, 'filter.dataset', 'name, digest or role'],
    [{ and: {} }, 'filter.and', 'give an array of filters'],
    [{ and: [{ metric: 'a', gt: 1 }, 7] }, 'filter.and[1]', 'is 7'],
    [{ or: [{ not: { and: [{ metric: 'a', gt: 1 }, { tag: 't', gt: 1 }] } }, { and: [] }] }, 'filter.or[0].not.and[1].gt', 'compared as text'],
    [{ and: [], or: [] }, 'filter', 'has and beside or'],
    [{ not: { metric: 'a', gt: 1 }, metric: 'b' }, 'filter', 'has not beside metric'],
  ])('is refused: %j', (value, path, problem) => {
    const fault = (): unknown => checkFilter(value);
    expect(fault).toThrow(problem);
    expect(fault).toThrow(expect.objectContaining({ code: 'validation', details: { path }, message: expect.stringMatching(/^filter/) }));
  });

  it('is refused when it contains itself, or shares so much that it would never end', () => {
    const own: { and: unknown[] } = { and: [{ tag: 'a', eq: 'x' }] };
    own.and.push(own);
    expect(() => checkFilter(own)).toThrow(/nested more than 100 deep/);
    let shared: object = { tag: 'a', eq: 'x' };
    for (let i = 0; i < 60; i++) shared = { and: [shared, shared] };
    expect(() => checkFilter(shared)).toThrow(/more than 100000 parts/);
  });
});

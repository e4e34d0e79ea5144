import { afterAll, beforeAll, expect, it } from 'vitest';
import { borrowBrowser, type Tab, type BorrowedBrowser } from './browser.ts';
import { describeInBrowser } from './describe-in-browser.ts';
import { serveSite, type Site } from './site.ts';

type Page = typeof import('./web-worker-page.ts');

const work = `
let called = 0;
export const calls = () => ++called;
export function sum({ inputs, log, run }) {
  log.info('adding ' + inputs.rows.length + ' rows of ' + run.step);
  log.warn('one is large');
  return { sum: inputs.rows.reduce((total, x) => total + x, 0), halves: Float32Array.from(inputs.rows, (x) => x / 2), inPage: 'document' in globalThis };
}
export async function* louder({ inputs }) {
  const decoder = new TextDecoder();
  for await (const piece of inputs.words) yield decoder.decode(piece).toUpperCase();
  for await (const piece of inputs.words.read({ range: { start: 0, end: 5 } })) yield '/' + decoder.decode(piece);
}
export function fit({ item, index, inputs, run, log }) {
  if (item.depth < 0 && run.attempt === 1) throw new RangeError('item ' + index + ' has depth ' + item.depth);
  log.info('item ' + index);
  return { index, key: run.key.split('/').slice(-2).join('/'), weights: Float64Array.from(item.weights, (w) => w * item.depth + inputs.rows[index]), inPage: 'document' in globalThis };
}
export const throwsCoded = () => { throw Object.assign(new TypeError('no such host'), { code: 'ENOTFOUND' }); };
export const throwsText = () => { throw 'boom'; };
export const givesFunction = () => ({ model: () => 1 });
export const text = 'not a function';
export const leaves = () => { self.close(); return new Promise(() => undefined); };
export const crashesLater = () => { setTimeout(() => { throw new RangeError('in a timer'); }); return new Promise(() => undefined); };
export const rejectsUnseen = () => { void Promise.reject(new Error('nobody looked')); return new Promise(() => undefined); };
export const deaf = ({ log }) => { log.info('begun'); for (;;); };
export const patient = ({ log, signal }) => new Promise((_, reject) => {
  signal.addEventListener('abort', () => reject(new Error('heard: ' + signal.reason.message)));
  log.info('begun');
});
`;

describeInBrowser('a step in a Web Worker', () => {
  let site: Site<Page>;
  let browser: BorrowedBrowser;
  let tab: Tab<Page>;
  beforeAll(async () => {
    const respond: NonNullable<Parameters<typeof serveSite>[1]>['respond'] = ({ url }, response) => {
      if (url !== '/work.js') return false;
      response.setHeader('content-type', 'text/javascript').end(work);
      return true;
    };
    [site, browser] = await Promise.all([serveSite<Page>(new URL('web-worker-page.ts', import.meta.url), { respond }), borrowBrowser()]);
    tab = await browser.openTab(site);
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });

  it('is given its inputs, puts out what its function returns, and is heard in the log', async () => {
    expect(await tab.run('runs')).toEqual({ status: 'succeeded', output: { sum: 9, halves: new Float32Array([0.5, 1, 3]), inPage: false }, lines: ['info adding 3 rows of sum', 'warn one is large'] });
  });

  it('reads streams, and puts one out', async () => {
    expect(await tab.run('streams')).toEqual({ status: 'succeeded', text: 'READY STEADY/ready' });
  });

  it('is given each item of a map and its number, also when it is tried again, and puts the outputs together in their order', async () => {
    const { status, outputs, counts, attempts, lines, sent } = await tab.run('trainsGrid');
    expect(status).toBe('succeeded');
    expect(outputs).toEqual([
      { index: 0, key: 'train/000000', weights: new Float64Array([12, 14]), inPage: false },
      { index: 1, key: 'train/000001', weights: new Float64Array([17, 14]), inPage: false },
      { index: 2, key: 'train/000002', weights: new Float64Array([38]), inPage: false },
      { index: 3, key: 'train/000003', weights: new Float64Array([]), inPage: false },
    ]);
    expect(counts).toMatchObject({ total: 4, succeeded: 4, failed: 0 });
    expect([attempts, lines, sent]).toEqual([['train 1 item 1 has depth -3'], ['item 0', 'item 1', 'item 2', 'item 3'], [2, 2, 1, 0]]);
  });

  it('throws what its function throws, and says what is wrong with an export or an output, in one worker', async () => {
    const { failures, calls, threads } = await tab.run('fails', { names: ['throwsCoded', 'throwsText', 'givesFunction', 'text', 'missing'] });
    expect(failures).toEqual([
      { name: 'TypeError', message: 'no such host', code: 'ENOTFOUND', ours: false },
      expect.objectContaining({ code: 'worker-failed', message: expect.stringContaining('threw "boom", which is no error') }),
      expect.objectContaining({ code: 'validation', message: expect.stringContaining('returned what cannot be sent') }),
      expect.objectContaining({ code: 'validation', message: expect.stringContaining('is a string') }),
      expect.objectContaining({ code: 'validation', message: expect.stringContaining('no such export') }),
    ]);
    expect({ calls, threads }).toEqual({ calls: 1, threads: 1 });
  });

  it.each([
    ['leaves', /ended its worker; return or throw/],
    ['crashesLater', /nothing caught: in a timer/],
    ['rejectsUnseen', /nothing caught: nobody looked/],
  ])('fails with a code when its function %s, and has another worker next', async (name, message) => {
    const { failures, calls, threads } = await tab.run('fails', { names: ['calls', name] });
    expect(failures[1]).toEqual({ name: 'ModelkeepError', message: expect.stringMatching(message), code: 'worker-failed', ours: true });
    expect({ calls, threads }).toEqual({ calls: 1, threads: 1 });
  });

  it('fails with a code when its module does not load', async () => {
    const { failures } = await tab.run('fails', { names: ['default'], from: `${site.url}missing.js` });
    expect(failures).toEqual([expect.objectContaining({ code: 'worker-failed', message: expect.stringContaining('does not load') })]);
  });

  it('tells its function when the signal fires, and ends the worker of one that does not listen', async () => {
    expect(await tab.run('stops', 'patient')).toMatchObject({ failure: { message: 'heard: enough' }, threads: 1 });
    expect(await tab.run('stops', 'deaf')).toMatchObject({ failure: { message: 'enough' }, threads: 0 });
  });

  it('times out when its worker never answers, and fails when its pool is closed', async () => {
    expect(await tab.run('timesOut')).toEqual({ code: 'timeout', threads: 0 });
    expect(await tab.run('closes')).toMatchObject({ code: 'closed' });
  });

  it('fails with a code, and says what to allow, in a page whose policy forbids such workers', async () => {
    const respond: NonNullable<Parameters<typeof serveSite>[1]>['respond'] = (_, response) => {
      response.setHeader('content-security-policy', "default-src 'self'; img-src data:");
      return false;
    };
    await using strict = await serveSite<Page>(new URL('web-worker-page.ts', import.meta.url), { respond });
    const there = await browser.openTab(strict);
    expect(await there.run('isRefused')).toEqual({
      failure: expect.objectContaining({ code: 'worker-failed', message: expect.stringMatching(/'sum' of .*work\.js, the work of step 'sum', was not begun, .* Content-Security-Policy, have it allow them by worker-src blob:/) }),
      next: 'succeeded',
      threads: 0,
    });
  });
});

import { ABTest, assessMaturity, IntegrityError, MemoryStorage, Pipeline, Registry, Tracker, type MaturityCheck, type MaturityPolicy } from 'modelkeep';
import { expect, it } from 'vitest';
import { isNamed } from '../../src/maturity/maturity-policy.ts';
import { ManualClock, settled } from '../pipelines/manual-clock.ts';
import { closedLoopStory, model, tampered, trackedStory, type Story } from './story.ts';

async function check(id: MaturityCheck['id'], { storage, clock }: Pick<Story, 'storage' | 'clock'>, policy?: MaturityPolicy, verify = false): Promise<MaturityCheck> {
  const { models } = await assessMaturity({ storage, clock, policy, verify, store: false });
  return models[0]!.checks.find((each) => each.id === id)!;
}

/** The version in production is what an A/B test shipped, which was promoted by a program. */
async function shippedStory(ending: 'analysis' | 'nothing' | 'fixed'): Promise<Story> {
  const story = await closedLoopStory('C4');
  const { storage, clock, registry } = story;
  const { production } = await registry.getModel(model);
  await registry.rollback(model, { by: 'ada', reason: 'to be tested' });
  const test = new ABTest({ storage, clock, name: model, variants: [{ name: 'A', version: 1 }, { name: 'B', version: production! }], metrics: [{ name: 'booked', kind: 'proportion', role: 'primary' }] });
  for (let i = 0; i < 2000; i++) {
    const { variant } = test.assign(`user-${i}`);
    test.expose(`user-${i}`);
    if (variant === 'B' ? i % 2 === 0 : i % 10 === 0) test.record(`user-${i}`, { booked: 1 }, { id: `booking-${i}` });
  }
  await test.flush();
  const decision = ending === 'nothing' ? undefined : await test.analyze(ending === 'fixed' ? { method: 'fixed' } : {});
  await test.stop({ ship: 'B', by: 'ci', reason: 'more bookings', decision });
  await test.close();
  clock.jump(1000);
  await registry.promote(`${model}@${production!}`, 'production', { by: 'release-bot', reason: 'the test says so' });
  return story;
}

it('C4 takes the end of an A/B test with its analysis for a policy, where a program promoted what it shipped', async () => {
  const story = await shippedStory('analysis');
  expect(await check('C4', story)).toMatchObject({ status: 'pass', reason: expect.stringMatching(/^Version \d was promoted by release-bot on an A\/B test of 2000 units, /) as string, evidence: [{ kind: 'model-version' }, { kind: 'abtest', id: model }] });
  expect(await check('C4', story, { automation: ['rollout'] })).toMatchObject({ status: 'fail', reason: expect.stringContaining('promoted by release-bot, which is none of policy.automation') as string });
  expect(await check('C4', await shippedStory('nothing'))).toMatchObject({ status: 'unknown', reason: expect.stringMatching(/^No analysis is recorded with the end of/) as string });
  expect(await check('C4', await shippedStory('fixed'))).toMatchObject({ status: 'unknown', fix: expect.stringContaining('sequential') as string });
});

it('C4 does not take a promotion by hand for that of the rollout before it', async () => {
  const story = await closedLoopStory();
  const { production } = await story.registry.getModel(model);
  await story.registry.rollback(model, { by: 'ada', reason: 'drill' });
  story.clock.jump(3_600_000);
  await story.registry.promote(`${model}@${production!}`, 'production', { by: 'ada', reason: 'back' });
  expect(await check('C4', story)).toMatchObject({ status: 'fail', reason: `Version ${production!} was promoted by ada without a canary or a test.` });
});

it('T6 fails where the files of the version in production are not what was registered', async () => {
  const { storage, clock, registry } = await trackedStory();
  const { digest } = (await registry.getVersion(`${model}@2`)).files[0]!;
  // Adapters tell at the end that bytes are not those of the digest.
  const other = async function* (): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode('{"n":3}');
    throw new IntegrityError(`The blob ${digest} is damaged.`, { key: digest });
  };
  const damaged = tampered(storage, { readBlob: async (wanted, options) => (wanted === digest ? other() : storage.readBlob(wanted, options)) });
  expect(await check('T6', { storage: damaged, clock }, undefined, true)).toMatchObject({ status: 'fail', reason: expect.stringMatching(/^Version 2 is damaged: /) as string });
});

it('A2 finds the schedule that started the pipeline of which the training is a step', async () => {
  const [storage, clock] = [new MemoryStorage(), new ManualClock()];
  const registry = new Registry({ storage, clock });
  await registry.createModel(model);
  const training = new Pipeline({ name: 'training', storage, clock, tracker: new Tracker({ storage, clock }) });
  training.step('train', {}, async ({ track, run }) => {
    const { id } = await track();
    await registry.registerVersion(model, { files: { 'model.json': '{}' }, run: id, pipelineRun: run.id });
    return id;
  });
  const nightly = new Pipeline({ name: 'nightly', storage, clock });
  nightly.step('inner', {}, training.asStep());
  await nightly.run({ by: 'ada' });
  await registry.promote(`${model}@1`, 'production', { by: 'ada', reason: 'the first' });
  expect(await check('A2', { storage, clock })).toMatchObject({ status: 'fail', value: 0, reason: "None of 1 runs of 'training' was started by a schedule or a trigger." });
  await nightly.schedule({ name: 'minutely', every: '1m' });
  const keeper = nightly.start();
  await settled();
  await clock.advance(90_000);
  await keeper.close({ signal: AbortSignal.abort() });
  expect(await check('A2', { storage, clock })).toMatchObject({ status: 'pass', reason: expect.stringMatching(/ runs of 'training' were started by schedule 'minutely'\.$/) as string });
});

it('patterns of names have * for anything', () => {
  const cases: [string, string, boolean][] = [
    ['ci', 'ci', true], ['cil', 'ci', false], ['ci-7', 'ci-*', true], ['release-bot', '*-bot', true], ['bot', '*-bot', false], ['dependabot[bot]', '*[bot]', true], ['a-b-c', 'a*b*c', true], ['abc', 'a*c*b', false], ['aba', 'ab*ba', false], ['', '*', true], ['x', '*', true],
  ];
  for (const [name, pattern, expected] of cases) expect([name, pattern, isNamed(name, [pattern])]).toEqual([name, pattern, expected]);
  expect(isNamed(undefined, ['*'])).toBe(false);
});

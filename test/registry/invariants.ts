import { expect } from 'vitest';
import { isModelkeepError, type ModelVersion, type Registry, type RegistryEvent } from 'modelkeep';
import { digestOf } from '../../src/core/digest.ts';
import { describeFailure } from '../../src/core/failure.ts';
import { manifestDigest } from '../../src/core/model-manifest.ts';
import { filesOf, perform, type Command } from './commands.ts';
import { holderOf, latestOf, replay, verdict, type PlainModel, type Verdict } from './plain-model.ts';

/** A command that came to its end, and how. */
export interface Outcome {
  readonly command: Command;
  readonly mark: string;
  readonly result?: unknown;
  readonly error?: unknown;
  /** Whether its process was killed before it could tell. */
  readonly cutOff?: boolean;
}

/** Does a command and says how it ended. */
export async function outcomeOf(registry: Registry, command: Command, mark: string): Promise<Outcome> {
  return perform(registry, command, mark).then((result) => ({ command, mark, result }), (error: unknown) => ({ command, mark, error }));
}

/** Throws unless an event is the one that a verdict foretold. */
export function expectMade({ type, data }: RegistryEvent, expected: Verdict, what: string): void {
  if (!('event' in expected)) throw new Error(`${what} made ${type}, and must come to ${JSON.stringify(expected)}`);
  const found = Object.fromEntries(Object.keys(expected.data).map((name) => [name, (data as unknown as Record<string, unknown>)[name]]));
  expect({ event: type, data: found }, what).toEqual({ event: expected.event, data: expected.data });
}

/** The identity of what a command registers. */
export function digestFor(command: Command): string | undefined {
  if (command.kind !== 'register') return undefined;
  return manifestDigest(Object.entries(filesOf(command.text)).map(([path, text]) => ({ path, digest: digestOf(text), size: text.length })));
}

/** Throws unless all that can be seen of the model is what its history alone leads to, and every version that is there loads whole. */
export async function expectAsTold(registry: Registry): Promise<RegistryEvent[]> {
  const history = await registry.history('m');
  expect(history.map(({ sequence }) => sequence)).toEqual(history.map((_, i) => i + 1));
  expect(new Set(history.map(({ id }) => id)).size).toBe(history.length);
  const states = replay(history);
  const registered = history.flatMap((event) => (event.type === 'version-registered' ? [event.data.version] : []));
  expect(registered, 'numbers are given in order and never again').toEqual(registered.map((_, i) => i + 1));
  states.forEach((model, i) => expectProduction(model, states[i - 1], history[i - 1]));
  await expectSeen(registry, states.at(-1)!);
  return history;
}

/** There is one version in production from the first on, unless it was moved away by name; never are there two. */
function expectProduction(model: PlainModel, before: PlainModel | undefined, event: RegistryEvent | undefined): void {
  const count = (each: PlainModel): number => Object.values(each.versions).filter(({ stage }) => stage === 'production').length;
  expect(count(model)).toBeLessThanOrEqual(1);
  if (before && count(before) === 1 && count(model) === 0) {
    expect(event).toMatchObject({ type: 'stage-changed', data: { version: holderOf(before, 'production'), from: 'production' } });
  }
}

async function expectSeen(registry: Registry, model: PlainModel): Promise<void> {
  if (!model.there) {
    await expect(registry.getModel('m')).rejects.toMatchObject({ code: 'not-found' });
    return;
  }
  const { latest, production, staging, aliases, rollbackTo, policy } = await registry.getModel('m');
  expect({ latest, production, staging, aliases, rollbackTo }).toEqual({
    latest: latestOf(model),
    production: holderOf(model, 'production'),
    staging: holderOf(model, 'staging'),
    aliases: model.aliases,
    rollbackTo: model.previous.at(-1),
  });
  expect((policy.production?.[0] as { count: number } | undefined)?.count ?? 0).toBe(model.needs);
  const seen: Record<number, unknown> = {};
  for await (const version of registry.versions('m')) {
    const { stage, retired, digest, description } = version;
    const approvedBy = (await registry.approvals(`m@${version.version}`)).map(({ by }) => by);
    const measured = (await registry.evaluations(`m@${version.version}`)).map(({ metrics }) => metrics['auc']);
    const signed = (await registry.signatures(`m@${version.version}`)).length;
    seen[version.version] = { stage, retired, digest, description, approvedBy, measured, signed };
    expect(version.aliases).toEqual(Object.keys(model.aliases).filter((alias) => model.aliases[alias] === version.version).sort());
    const loaded = await registry.load(`m@${version.version}`);
    const read = await Promise.all(loaded.files().map(async ({ path }) => [path, new TextDecoder().decode(await loaded.file(path))] as const));
    expect(digestOfTexts(read), `the files of version ${version.version}`).toBe(digest);
  }
  expect(seen).toEqual(Object.fromEntries(Object.entries(model.versions).map(([number, { served: _, ...facts }]) => [number, facts])));
}

function digestOfTexts(texts: readonly (readonly [path: string, text: string])[]): string {
  return manifestDigest(texts.map(([path, text]) => ({ path, digest: digestOf(text), size: text.length })));
}

/**
 * Throws unless the outcomes are those of commands done one after the other, in the order of the history: each event is what its command comes to in the state right before it; what changed nothing had nothing to change in one
 * of the states; and whoever lost was told so by an error that its command may come to, or lost a race for a place.
 */
export function expectInOneOrder(history: readonly RegistryEvent[], outcomes: readonly Outcome[]): void {
  const states = replay(history);
  for (const { command, mark, result, error, cutOff } of outcomes) {
    const what = `${mark}: ${JSON.stringify(command)}`;
    const told = history.flatMap((event, i) => (event.reason === mark || event.by === mark ? [i] : []));
    const digest = digestFor(command);
    if (error !== undefined) {
      const { message } = describeFailure(error);
      const code = isModelkeepError(error) ? error.code : undefined;
      // Of the errors, the history tells only that gates refused.
      expect(told, what).toHaveLength(code === 'gate' ? 1 : 0);
      for (const at of told) expectMade(history[at]!, verdict(states[at]!, command, digest), what);
      expect(['conflict', 'not-found', 'gate'], `${what} failed: ${message}`).toContain(code);
      const races = command.kind === 'promote' || command.kind === 'promoteAs' || command.kind === 'rollback';
      const expected = states.some((state) => (verdict(state, command, digest) as { error?: string }).error === code);
      expect(expected || (races && code === 'conflict'), `${what} failed: ${message}`).toBe(true);
      continue;
    }
    const version = (result as ModelVersion | undefined)?.version;
    if (cutOff && told.length === 0) continue;
    if (told.length === 0) {
      expect(states.some((state) => 'unchanged' in verdict(state, command, digest)), `${what} was acknowledged`).toBe(true);
      if (command.kind === 'register') expect(result).toMatchObject({ digest });
      continue;
    }
    expect(told, what).toHaveLength(1);
    const at = told[0]!;
    const { data } = history[at]!;
    expectMade(history[at]!, verdict(states[at]!, command, digest), what);
    if (version !== undefined) expect(data, what).toMatchObject(command.kind === 'setAlias' ? { to: version } : { version });
  }
  // Nothing is in the history that nobody was told of.
  const marks = new Set(outcomes.map(({ mark }) => mark));
  for (const { reason, by } of history) expect(marks.has(reason ?? '') || marks.has(by ?? ''), `${by} ${reason}`).toBe(true);
}

import { canonicalJson } from '../../core/codec.ts';
import { shown } from '../../core/shown.ts';
import type { CacheFacts } from './cache-key.ts';

/**
 * What made a step run though it has a cache. `never-run`: no run before had an output to take. `code`, `input`, `upstream`, `params`, `environment`: what it depends on is not what it was. `expired`, `cleared`,
 * `damaged`: what it depends on was the same, but the output was too old, is not there any more, or cannot be read. `refresh`: the run was told to. `item`: of a step that has items, none was equal.
 */
export type StaleKind = 'never-run' | 'code' | 'input' | 'upstream' | 'params' | 'environment' | 'expired' | 'cleared' | 'damaged' | 'refresh' | 'item';

/** One reason for a step to have run though it has a cache. */
export interface StaleCause {
  /** Which kind of reason. */
  readonly kind: StaleKind;
  /** Which of that kind: the input, the step before it, the path of the param such as `params.grid.depth`, the name in the environment, the number of the item. */
  readonly name?: string | undefined;
  /** What it was: a version, the digest of an input or of the item of that number, a status, a param, a text of the environment, or when what has expired was made, in epoch milliseconds. Absent when there was none. */
  readonly from?: unknown;
  /** What it is now. Absent when there is none. */
  readonly to?: unknown;
  /** The same for a person. */
  readonly because: string;
}

/** What a lookup of the cache stood for. */
export interface CacheSituation {
  readonly facts: CacheFacts;
  /** Those of the params that counted. */
  readonly params: unknown;
}

/** All that is different between two situations. */
export function staleCauses(before: CacheSituation, now: CacheSituation): StaleCause[] {
  const [was, is] = [before.facts, now.facts];
  return [
    ...(was.version === is.version ? [] : [cause('code', undefined, was.version, is.version, 'the version of its code')]),
    ...differences(was.inputs, is.inputs).map(([name, from, to]) => cause('input', name, from, to, `input '${name}'`)),
    ...differences(was.upstream, is.upstream).map(([name, from = 'succeeded', to = 'succeeded']) => cause('upstream', name, from, to, `step '${name}'`)),
    ...valueDifferences('params', before.params, now.params).map(([path, from, to]) => cause('params', path, from, to, path)),
    ...differences(was.environment, is.environment).map(([name, from, to]) => cause('environment', name, from, to, `'${name}' of its environment`)),
  ];
}

function cause(kind: StaleKind, name: string | undefined, from: unknown, to: unknown, what: string): StaleCause {
  const change = to === undefined ? `is gone; it was ${shown(from)}` : from === undefined ? `is new: ${shown(to)}` : `is ${shown(to)} instead of ${shown(from)}`;
  return { kind, name, from, to, because: `${what} ${change}` };
}

function differences<T>(before: Readonly<Record<string, T>>, now: Readonly<Record<string, T>>): [name: string, from: T | undefined, to: T | undefined][] {
  const own = (of: Readonly<Record<string, T>>, name: string): T | undefined => (Object.hasOwn(of, name) ? of[name] : undefined);
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return names.map((name) => [name, own(before, name), own(now, name)] as [string, T | undefined, T | undefined]).filter(([, from, to]) => from !== to);
}

/** The innermost places at which two values differ. */
function valueDifferences(path: string, before: unknown, now: unknown): [path: string, from: unknown, to: unknown][] {
  if (identity(before) === identity(now)) return [];
  const inner = Array.isArray(before) && Array.isArray(now) ? (key: string) => `${path}[${key}]` : isPlain(before) && isPlain(now) ? (key: string) => `${path}.${key}` : undefined;
  if (inner === undefined) return [[path, before, now]];
  const [was, is] = [before as Readonly<Record<string, unknown>>, now as Readonly<Record<string, unknown>>];
  const found = [...new Set([...Object.keys(was), ...Object.keys(is)])].flatMap((key) => valueDifferences(inner(key), was[key], is[key]));
  return found.length > 0 ? found : [[path, before, now]];
}

function identity(value: unknown): string {
  return value === undefined ? '' : canonicalJson(value);
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date) && !(value instanceof Uint8Array);
}

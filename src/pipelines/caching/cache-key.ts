import { canonicalJson } from '../../core/codec.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { isFinal, type StepStatus } from '../run-state.ts';
import { hasOutput, type StepResult } from '../step-result.ts';
import { identityOf, type StoredOutput } from '../stored-output.ts';
import type { CachePolicy } from './cache-options.ts';

/** What the output of a step depends on, as far as it was declared or is given to it. */
export interface CacheFacts {
  /** Version of the step's code. */
  readonly version: string;
  /** What tells an item from others, when it is the output of one. */
  readonly item?: Digest | undefined;
  /** What tells the outputs that it is given, by input: their digests, with a word before that of a stream; that of no bytes for one of nothing. Absent inputs are those of steps that have not succeeded. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Where the steps stand that it comes after, except for those that have succeeded. */
  readonly upstream: Readonly<Record<string, StepStatus>>;
  /** The names of the params that it depends on; absent for all. */
  readonly params?: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** What a step is about to be given. */
export interface CacheSubject {
  readonly policy: CachePolicy;
  /** Given for an item of the step. */
  readonly item?: Digest | undefined;
  /** Names of steps by the name of the input. */
  readonly needs: Readonly<Record<string, string>>;
  /** Where the steps stand that it comes after. */
  readonly states: Readonly<Record<string, Pick<StepResult, 'status' | 'items'>>>;
  /** The output of a step that has succeeded; `undefined` for nothing. */
  readonly outputOf: (step: string) => StoredOutput | undefined;
}

const nothing = /* @__PURE__ */ new Uint8Array();

/** The facts about a step at this moment. */
export function cacheFacts({ policy, item, needs, states, outputOf }: CacheSubject): CacheFacts {
  const { version, params, environment } = policy;
  const inputs = Object.entries(needs).filter(([, step]) => hasOutput(states[step]));
  const others = Object.entries(states).filter(([, { status }]) => status !== 'succeeded');
  return {
    version,
    ...(item !== undefined && { item }),
    inputs: Object.fromEntries(inputs.map(([input, step]) => [input, inputIdentity(outputOf(step))])),
    // How far one that still runs has come is chance.
    upstream: Object.fromEntries(others.map(([step, { status }]) => [step, isFinal(status) ? status : 'running'])),
    params,
    environment,
  };
}

/** The same for equal contents, whether they lie in a record or in a blob. */
function inputIdentity(output: StoredOutput | undefined): string {
  return output === undefined ? digestOf(nothing) : identityOf(output);
}

/** Those of the params of a run that count. */
export function countingParams(params: unknown, names: readonly string[] | undefined): unknown {
  if (names === undefined || typeof params !== 'object' || params === null) return params;
  return Object.fromEntries(names.filter((name) => Object.hasOwn(params, name)).map((name) => [name, (params as Record<string, unknown>)[name]]));
}

/**
 * Names what depends on these facts, as 64 hexadecimal digits: the SHA-256 of their canonical JSON, in which no value can be taken for a part of another.
 */
export function cacheKey({ version, item, inputs, upstream, params: names, environment }: CacheFacts, params: unknown): string {
  const text = canonicalJson({ format: 1, version, ...(item !== undefined && { item }), inputs, upstream, params: countingParams(params, names), environment }, 'params');
  return digestOf(text).slice('sha256:'.length);
}

import * as z from 'zod/mini';
import { canonicalJson } from '../core/codec.ts';
import { digestOf, type Digest } from '../core/digest.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import { recordOf } from '../core/option-schemas.ts';
import { check } from '../core/schema.ts';
import { asksAbout } from '../core/search/filter-parts.ts';
import { readFilter } from '../core/search/read-filter.ts';
import { runVocabulary } from '../tracking/search/run-vocabulary.ts';
import type { MaturityCheckId } from './maturity-report.ts';

/** What belongs to a model besides what has its name. */
export interface MaturityLinks {
  /** Names of its monitors. @default the monitor that is called like the model */
  readonly monitors?: readonly string[] | undefined;
  /** Names of the pipelines that make it. @default those whose runs its versions and training runs came from */
  readonly pipelines?: readonly string[] | undefined;
  /** Names of the A/B tests of its versions. @default the test that is called like the model */
  readonly tests?: readonly string[] | undefined;
  /** Experiments whose runs train it. @default those of the runs that its versions came from */
  readonly experiments?: readonly string[] | undefined;
}

/** What maturity is held to. What is not given is as it is by default; all of it goes into the digest that a report names. */
export interface MaturityPolicy {
  /** What the policy calls itself; give one of your own a version of your own. @default '1', or 'custom' where anything else is given */
  readonly version?: string | undefined;
  /** With fewer runs than this a share is not judged. @default 5 */
  readonly minSamples?: number | undefined;
  /** T1: which share of training runs comes to an end. @default 0.95 */
  readonly endedRuns?: number | undefined;
  /** T2: which share of training runs has params and metrics. @default 0.9 */
  readonly describedRuns?: number | undefined;
  /** T3: which share of training runs can be made again. @default 0.9 */
  readonly reproducibleRuns?: number | undefined;
  /** T4: which share of training runs names its data by fingerprint. @default 0.9 */
  readonly fingerprintedRuns?: number | undefined;
  /** T5: which share of versions says which run made it. @default 1 */
  readonly linkedVersions?: number | undefined;
  /** T6: how long ago the files of the version in production were verified at most. @default '30d' */
  readonly verifiedWithin?: Duration | undefined;
  /** A1: which share of training runs belongs to the run of a pipeline. @default 0.8 */
  readonly pipelinedRuns?: number | undefined;
  /** C1: after how many intervals a monitor is late. @default 2 */
  readonly checkIntervals?: number | undefined;
  /** C1: the interval of monitors whose windows go by rows, which have none of their own. @default '1d' */
  readonly checkInterval?: Duration | undefined;
  /** C2: which share of predictions gets a label. @default 0.5 */
  readonly labelCoverage?: number | undefined;
  /** C3: on which share of the runs that alerts started it was decided. @default 0.8 */
  readonly decidedRuns?: number | undefined;
  /** C3: how long after the end of a run the decision may be awaited. @default '7d' */
  readonly decidedWithin?: Duration | undefined;
  /** C5: how long ago somebody went back to an earlier version at most. @default '90d' */
  readonly rolledBackWithin?: Duration | undefined;
  /** C9: how long a critical alert may be open. @default '1d' */
  readonly alertsWithin?: Duration | undefined;
  /** Who promotes that is a program: names as they are recorded, where `*` stands for anything. @default ['rollout', 'ci', 'ci-*', '*-bot', '*[bot]'] */
  readonly automation?: readonly string[] | undefined;
  /** C7: who starts runs of pipelines that is the continuous integration. @default ['ci', 'ci-*', 'github-actions*', 'gitlab-ci*'] */
  readonly integration?: readonly string[] | undefined;
  /** Which runs of the experiments of a model train it, in the grammar of `tracker.searchRuns`, without `datasets.`. @default all; of steps of pipelines those of the steps that versions came from */
  readonly trainingRuns?: string | undefined;
  /** The most training runs of a model that are looked at, the newest. @default 1000 */
  readonly maxRuns?: number | undefined;
  /** The most runs of a pipeline that are looked at, the newest. @default 500 */
  readonly maxPipelineRuns?: number | undefined;
  /** The most runs of a pipeline whose steps are looked at, the newest. @default 50 */
  readonly maxStepRuns?: number | undefined;
  /** The most records that a check names. @default 10 */
  readonly maxEvidence?: number | undefined;
  /** The most earlier reports that a report tells of. @default 20 */
  readonly trend?: number | undefined;
  /** Checks without which their level is reached too; they are looked at all the same. @default none */
  readonly optional?: readonly MaturityCheckId[] | undefined;
  /** How much work the fixes are, by check, relative to each other. @default as the guide lists them */
  readonly efforts?: Readonly<Partial<Record<MaturityCheckId, number>>> | undefined;
  /** What belongs to models, by their names. @default what has their name */
  readonly links?: Readonly<Record<string, MaturityLinks>> | undefined;
}

type Durations = 'verifiedWithin' | 'checkInterval' | 'decidedWithin' | 'rolledBackWithin' | 'alertsWithin';

/** A policy with the defaults filled in; lengths of time are milliseconds. */
export type ResolvedPolicy = Readonly<Required<Omit<{ [K in keyof MaturityPolicy]-?: NonNullable<MaturityPolicy[K]> }, Durations | 'trainingRuns' | 'efforts'>>> &
  Readonly<Record<Durations, number>> & { readonly trainingRuns: string | undefined; readonly efforts: Readonly<Record<MaturityCheckId, number>> };

/** How much work each fix is usually: a matter of an argument (1), of a record more (2), of a habit (3), of something to build (5), of a system to run (8). */
const usualEfforts: Readonly<Record<MaturityCheckId, number>> = {
  T1: 2, T2: 1, T3: 2, T4: 1, T5: 1, T6: 1, T7: 1, T8: 2,
  A1: 5, A2: 2, A3: 3, A4: 3, A5: 2, A6: 5, A7: 3, A8: 3, A9: 2,
  C1: 3, C2: 5, C3: 5, C4: 8, C5: 2, C6: 3, C7: 3, C8: 2, C9: 3,
};

const defaults: Omit<ResolvedPolicy, 'version'> = {
  minSamples: 5,
  endedRuns: 0.95,
  describedRuns: 0.9,
  reproducibleRuns: 0.9,
  fingerprintedRuns: 0.9,
  linkedVersions: 1,
  verifiedWithin: durationMs('30d'),
  pipelinedRuns: 0.8,
  checkIntervals: 2,
  checkInterval: durationMs('1d'),
  labelCoverage: 0.5,
  decidedRuns: 0.8,
  decidedWithin: durationMs('7d'),
  rolledBackWithin: durationMs('90d'),
  alertsWithin: durationMs('1d'),
  automation: ['rollout', 'ci', 'ci-*', '*-bot', '*[bot]'],
  integration: ['ci', 'ci-*', 'github-actions*', 'gitlab-ci*'],
  trainingRuns: undefined,
  maxRuns: 1000,
  maxPipelineRuns: 500,
  maxStepRuns: 50,
  maxEvidence: 10,
  trend: 20,
  optional: [],
  efforts: usualEfforts,
  links: {},
};

const ids = Object.keys(usualEfforts) as MaturityCheckId[];
const share = z.optional(z.number().check(z.minimum(0), z.maximum(1)));
const duration = z.optional(z.union([z.number(), z.string()]));
const name = z.string().check(z.minLength(1));
const names = z.optional(z.array(name).check(z.maxLength(1000)));
const few = (most: number): z.ZodMiniOptional<z.ZodMiniNumber> => z.optional(z.int().check(z.minimum(1), z.maximum(most)));
const checkId = z.enum(ids as [MaturityCheckId, ...MaturityCheckId[]]);
const effort = z.optional(z.number().check(z.minimum(0), z.maximum(1e6)));

const schema = z.strictObject({
  version: z.optional(name.check(z.maxLength(200))),
  minSamples: few(1e6),
  endedRuns: share,
  describedRuns: share,
  reproducibleRuns: share,
  fingerprintedRuns: share,
  linkedVersions: share,
  verifiedWithin: duration,
  pipelinedRuns: share,
  checkIntervals: z.optional(z.number().check(z.gt(0), z.maximum(1e6))),
  checkInterval: duration,
  labelCoverage: share,
  decidedRuns: share,
  decidedWithin: duration,
  rolledBackWithin: duration,
  alertsWithin: duration,
  automation: names,
  integration: names,
  trainingRuns: z.optional(name),
  maxRuns: few(100_000),
  maxPipelineRuns: few(10_000),
  maxStepRuns: few(1000),
  maxEvidence: few(1000),
  trend: z.optional(z.int().check(z.minimum(0), z.maximum(1000))),
  optional: z.optional(z.array(checkId)),
  efforts: z.optional(z.strictObject(Object.fromEntries(ids.map((id) => [id, effort])))),
  links: z.optional(recordOf(z.string(), z.strictObject({ monitors: names, pipelines: names, tests: names, experiments: names }))),
});

/** The policy that counts, of what is given. Throws `ValidationError`, naming the path, for what is not known or not possible. */
export function resolvePolicy(given: MaturityPolicy | undefined): ResolvedPolicy {
  const policy = check(schema, given ?? {}, 'options.policy') as MaturityPolicy;
  if (policy.trainingRuns !== undefined && asksAbout(runVocabulary, readFilter(runVocabulary, policy.trainingRuns), 'dataset')) {
    throw new ValidationError('options.policy.trainingRuns asks about datasets, which are not read to tell which runs train a model; ask about params, tags, metrics or attributes.', { path: 'options.policy.trainingRuns' });
  }
  const present = Object.fromEntries(Object.entries(policy).filter(([, value]) => value !== undefined)) as MaturityPolicy;
  const lengths = Object.fromEntries(
    (['verifiedWithin', 'checkInterval', 'decidedWithin', 'rolledBackWithin', 'alertsWithin'] as const).flatMap((key) => (present[key] === undefined ? [] : [[key, durationMs(present[key], `options.policy.${key}`)]])),
  );
  const version = Object.keys(present).length === 0 ? '1' : 'custom';
  const efforts = { ...usualEfforts, ...Object.fromEntries(Object.entries(present.efforts ?? {}).filter(([, value]) => value !== undefined)) };
  return { version, ...defaults, ...present, ...lengths, efforts } as ResolvedPolicy;
}

/** The same for the same policy, however it was given. */
export function policyDigest(policy: ResolvedPolicy): Digest {
  return digestOf(canonicalJson({ ...policy, trainingRuns: policy.trainingRuns ?? null, optional: [...policy.optional].sort() }, 'options.policy'));
}

/** Whether a name is one of those that patterns mean, where `*` stands for anything. */
export function isNamed(name: string | undefined, patterns: readonly string[]): boolean {
  return name !== undefined && patterns.some((pattern) => matches(name, pattern.split('*')));
}

function matches(name: string, [first = '', ...rest]: readonly string[]): boolean {
  if (rest.length === 0) return name === first;
  const last = rest.at(-1)!;
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false;
  let at = first.length;
  const end = name.length - last.length;
  for (const part of rest.slice(0, -1)) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return at <= end;
}

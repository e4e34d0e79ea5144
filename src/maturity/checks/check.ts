import type { RecordRef } from '../../core/record-ref.ts';
import type { ModelFacts } from '../facts/model-facts.ts';
import type { CheckedLevel, MaturityCheckId, MaturityStatus, MaturityUnit } from '../maturity-report.ts';

/** What a check has found. */
export interface Finding {
  readonly status: MaturityStatus;
  readonly reason: string;
  readonly value?: number | undefined;
  readonly threshold?: number | undefined;
  /** As many as there are; how many of them are told is decided elsewhere. */
  readonly evidence?: readonly RecordRef[] | undefined;
  /** How many there are, where `evidence` has not all. */
  readonly evidenceTotal?: number | undefined;
  readonly fix?: string | undefined;
  /** The check whose fix has to come first, and whose work comes on top. */
  readonly after?: MaturityCheckId | undefined;
}

/** A check: what it demands, and how that is seen in the records. */
export interface CheckDefinition {
  readonly id: MaturityCheckId;
  readonly level: CheckedLevel;
  readonly title: string;
  readonly unit?: MaturityUnit | undefined;
  readonly judge: (facts: ModelFacts) => Promise<Finding>;
}

/** That there is nothing that a check could be about. */
export function notApplicable(reason: string, evidence?: readonly RecordRef[]): Finding {
  return { status: 'n/a', reason, evidence };
}

/** That the records do not tell. */
export function unknown(reason: string, fix: string, more: Omit<Finding, 'status' | 'reason' | 'fix'> = {}): Finding {
  return { status: 'unknown', reason, fix, ...more };
}

/** What a share comes to. */
export interface ShareOptions {
  /** What is counted, in the plural: `training runs`. */
  readonly what: string;
  /** What those have that count: `have params and metrics`. */
  readonly having: string;
  readonly least: number;
  readonly minSamples: number;
  readonly fix: string;
  /** What to do when there are too few. */
  readonly more: string;
}

/** Judges the share of some things that are as they must be. Those that are not speak against it; where it passes, those that are speak for it. */
export function judgeShare<T>(items: readonly T[], passes: (item: T) => boolean, refOf: (item: T) => RecordRef, { what, having, least, minSamples, fix, more }: ShareOptions): Finding {
  const good = items.filter(passes);
  const bad = items.filter((item) => !passes(item));
  const told = `${good.length} of ${items.length} ${what} ${having}`;
  const threshold = least;
  if (items.length < minSamples) return unknown(`${told}; a share is judged from ${minSamples} on.`, more, { threshold, evidence: items.map(refOf), ...(items.length > 0 && { value: good.length / items.length }) });
  const value = good.length / items.length;
  if (value >= least) return { status: 'pass', reason: `${told}.`, value, threshold, evidence: good.map(refOf) };
  return { status: 'fail', reason: `${told}.`, value, threshold, evidence: bad.map(refOf), fix };
}

/** What points at a run. */
export function runRef({ id }: { readonly id: string }): RecordRef {
  return { kind: 'run', id };
}

/** What points at the run of a pipeline. */
export function pipelineRunRef({ id }: { readonly id: string }): RecordRef {
  return { kind: 'pipeline-run', id };
}

/** What points at a version of the model that is looked at. */
export function versionRefOf({ model }: ModelFacts, version: number): RecordRef {
  return { kind: 'model-version', id: model.name, version };
}

/** How long something took or is ago, in words. */
export function lengthText(ms: number): string {
  const [unit, size] = ([['days', 86_400_000], ['hours', 3_600_000], ['minutes', 60_000], ['seconds', 1000]] as const).find(([, each]) => ms >= 2 * each) ?? ['ms', 1];
  return `${Math.round(ms / size)} ${unit}`;
}

/** How many of something there are, in words. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

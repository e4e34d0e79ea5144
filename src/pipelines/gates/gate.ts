import * as z from 'zod/mini';
import { encode } from '../../core/codec.ts';
import { ModelkeepError, ValidationError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import { judgedStep } from '../judged-step.ts';
import type { StepDefinition } from '../step.ts';

/** What the failure of a check does: an `error` stops what comes after the gate, a `warning` is only told. */
export type StepGateSeverity = 'error' | 'warning';

/** One thing that a gate has looked at. */
export interface StepGateCheck {
  /** What was looked at, such as `rows` or `auc of the evening flights`; no two of a gate are called the same. */
  readonly name: string;
  /** Whether it is as it must be. */
  readonly passed: boolean;
  /** What was found, as plain data. @default not told */
  readonly actual?: unknown;
  /** What it must be, as plain data or in words. @default not told */
  readonly expected?: unknown;
  /** What is wrong, for a person. @default made of `actual` and `expected` */
  readonly message?: string | undefined;
  /** @default 'error' */
  readonly severity?: StepGateSeverity | undefined;
}

/** A check as a gate's report has it. */
export interface StepGateFinding extends StepGateCheck {
  /** What its failure does. */
  readonly severity: StepGateSeverity;
}

/** What a gate answers: its checks, at least one, or in a word whether it passes. */
export type StepGateAnswer = boolean | readonly StepGateCheck[];

/** What a gate has found: what it puts out when it passes, and the `report` of its failure when it does not. */
export interface StepGateReport {
  /** Whether every check passed that is an `error`. */
  readonly passed: boolean;
  /** All of them, in the order in which they were given; of a gate that said yes or no, one of the gate's name. */
  readonly checks: readonly StepGateFinding[];
}

/** What the step of a gate that does not pass fails with. */
export class GateFailure extends ModelkeepError {
  readonly #report: StepGateReport;

  constructor(step: string, report: StepGateReport) {
    super('gate-failed', whyFailed(step, report), { step, report });
    this.#report = report;
  }

  /** The report of a failed gate, if that is what was thrown. Asks nothing of it: what steps throw may throw itself when it is looked at. */
  static reportOf(error: unknown): StepGateReport | undefined {
    return typeof error === 'object' && error !== null && #report in error ? error.#report : undefined;
  }
}

// A report is read by people and lies in the record of its step.
const longestReport = 256 * 1024;
const namedFailures = 5;

const answerSchema = z.array(
  z.strictObject({
    name: z.string().check(z.minLength(1), z.maxLength(500)),
    passed: z.boolean(),
    actual: z.optional(z.unknown()),
    expected: z.optional(z.unknown()),
    message: z.optional(z.string()),
    severity: z.optional(z.enum(['error', 'warning'])),
  }),
);

/** A step as a gate: its work gives checks, and it fails when one of them does. */
export function asGate(step: StepDefinition): StepDefinition {
  const { name } = step.handle;
  return judgedStep(step, (answer, { log }) => {
    const report = judge(name, answer);
    for (const check of report.checks) if (!check.passed && check.severity === 'warning') log.warn(toldOf(check));
    return report;
  });
}

/** The report of an answer. Throws `GateFailure` when it does not pass, and `ValidationError` when it is no answer. */
function judge(step: string, answer: unknown): StepGateReport {
  const path = `what gate '${step}' returned`;
  if (typeof answer !== 'boolean' && !Array.isArray(answer)) throw new ValidationError(`${path} is ${shown(answer)}; return true, false, or a list of checks.`, { path });
  if (Array.isArray(answer) && answer.length === 0) throw new ValidationError(`${path} is an empty list: nothing was checked, so nothing can be said; return at least one check, or true.`, { path });
  const given: readonly StepGateCheck[] = typeof answer === 'boolean' ? [{ name: step, passed: answer }] : check(answerSchema, answer, path);
  const twice = given.find(({ name }, i) => given.findIndex((other) => other.name === name) < i);
  if (twice) throw new ValidationError(`${path} has two checks called ${shown(twice.name)}; give each a name of its own.`, { path });
  const checks = given.map((each) => ({ ...each, severity: each.severity ?? ('error' as const) }));
  const report: StepGateReport = { passed: checks.every(({ passed, severity }) => passed || severity === 'warning'), checks };
  const { length } = encode(report, path);
  if (length > longestReport) throw new ValidationError(`${path} has ${length} bytes, and a report at most ${longestReport}; return figures instead of the data behind them.`, { path });
  if (!report.passed) throw new GateFailure(step, report);
  return report;
}

function whyFailed(step: string, { checks }: StepGateReport): string {
  const failed = checks.filter(({ passed, severity }) => !passed && severity === 'error');
  const told = failed.slice(0, namedFailures).map(toldOf).join('; ');
  const rest = failed.length > namedFailures ? `; and ${failed.length - namedFailures} more` : '';
  return `Gate '${step}' did not pass, ${failed.length} of ${checks.length} checks failed: ${told}${rest}`;
}

function toldOf({ name, actual, expected, message }: StepGateCheck): string {
  const figures = [actual === undefined ? [] : `is ${shown(actual)}`, expected === undefined ? [] : `expected ${shown(expected)}`].flat().join(', ');
  return [name, figures && ` ${figures}`, message && `: ${message}`].filter(Boolean).join('');
}

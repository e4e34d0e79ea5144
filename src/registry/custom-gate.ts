import type { Clock } from '../core/clock.ts';
import { canonicalJson } from '../core/codec.ts';
import { AbortedError, TimeoutError } from '../core/errors.ts';
import { describeFailure } from '../core/failure.ts';
import { shown } from '../core/shown.ts';
import type { GateResult } from './gate-report.ts';
import type { CustomGate } from './gate-definition.ts';
import type { LoadedModel } from './loaded-model.ts';
import type { ModelVersion } from './model-version.ts';
import type { ExclusiveStage } from './stages.ts';

/** What the function of a custom gate is given. */
export interface GateSubject {
  /** The version that wants to enter. */
  readonly version: ModelVersion;
  /** Where it wants to go. */
  readonly stage: ExclusiveStage;
  /** Opens the files of the version. */
  readonly load: () => Promise<LoadedModel>;
  /** Fires when the gate's time is over or the caller gave up. */
  readonly signal: AbortSignal;
}

/** What the function of a custom gate answers. */
export interface GateVerdict {
  /** Whether the version may enter. */
  readonly passed: boolean;
  /** Why, in words. @default 'passed' or 'did not pass' */
  readonly reason?: string | undefined;
  /** Plain data to keep with the decision. @default none */
  readonly evidence?: Readonly<Record<string, unknown>> | undefined;
}

/** Decides a custom gate. It may be called again when the model changes meanwhile. */
export type GateFunction = (subject: GateSubject) => GateVerdict | Promise<GateVerdict>;

/** Runs the function of a custom gate. Whatever goes wrong with it, the gate fails and says why; only the caller's own abort is thrown. */
export async function runCustomGate(
  gate: CustomGate,
  decide: GateFunction | undefined,
  subject: Omit<GateSubject, 'signal'>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<GateResult> {
  const result = (passed: boolean, reason: string, evidence: Readonly<Record<string, unknown>> = {}): GateResult => {
    return { gate: 'custom', name: `custom ${gate.name}`, passed, reason, evidence };
  };
  if (decide === undefined) return result(false, `this process has no gate ${shown(gate.name)}; give its function to the Registry's gates option`);
  try {
    const { passed, reason, evidence } = (await withinTime(gate, decide, subject, clock, signal)) ?? {};
    if (typeof passed !== 'boolean') return result(false, `the gate ${shown(gate.name)} gave no verdict; it must return { passed: true } or { passed: false }`);
    if (reason !== undefined && typeof reason !== 'string') return result(false, `the gate ${shown(gate.name)} gave a reason that is not a text: ${shown(reason, 80)}`);
    // What cannot be stored must not reach the record of the decision.
    canonicalJson(evidence ?? {}, 'evidence');
    return result(passed, reason ?? (passed ? 'passed' : 'did not pass'), evidence);
  } catch (error) {
    const { name, message } = describeFailure(error);
    return result(false, `the gate ${shown(gate.name)} failed: ${message}`, { error: { name, message } });
  }
}

async function withinTime(
  { name, timeoutMs }: CustomGate,
  decide: GateFunction,
  subject: Omit<GateSubject, 'signal'>,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<GateVerdict> {
  const controller = new AbortController();
  let release = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    const end = (reason: Error): void => {
      controller.abort(reason);
      reject(reason);
    };
    const aborted = (): void => end(new AbortedError('its caller gave up', { cause: signal?.reason }));
    if (signal?.aborted) aborted();
    signal?.addEventListener('abort', aborted, { once: true });
    const undo =
      timeoutMs === undefined ? undefined
      : clock.setTimer(() => end(new TimeoutError(`it took longer than its timeout of ${timeoutMs} ms`, { limitMs: timeoutMs, key: name })), timeoutMs, { keepAlive: true });
    release = () => {
      undo?.();
      signal?.removeEventListener('abort', aborted);
    };
  });
  try {
    return await Promise.race([(async () => decide({ ...subject, signal: controller.signal }))(), ended]);
  } finally {
    release();
  }
}

import type { Clock } from '../../core/clock.ts';
import { encode } from '../../core/codec.ts';
import { TimeoutError, ValidationError } from '../../core/errors.ts';
import { describeFailure } from '../../core/failure.ts';
import { shown } from '../../core/shown.ts';
import type { GuardrailVerdict, PlannedCheck, RolloutCheck, RolloutCheckContext, RolloutCheckResult } from './guardrail.ts';

const patienceMs = 30_000;
const mostEvidence = 10_000;
const longestReason = 1000;

/** Asks the functions behind guardrails, all at once. A function that is not there, throws, gives what is no verdict, or takes longer than half a minute is a verdict of `error`. */
export function runChecks(planned: readonly PlannedCheck[], checks: ReadonlyMap<string, RolloutCheck>, context: RolloutCheckContext, clock: Clock): Promise<readonly GuardrailVerdict[]> {
  return Promise.all(
    planned.map(async ({ name, check }): Promise<GuardrailVerdict> => {
      try {
        const call = checks.get(check);
        if (call === undefined) throw new ValidationError(`there is no check '${check}' in this process; give it to the deployment.`, { path: check });
        const { status, reason = `check '${check}' says so.`, evidence } = checkedResult(await within(patienceMs, clock, async () => call(context)), check);
        // What cannot be stored, or is no evidence but data, would keep the verdict out of the history.
        if (evidence !== undefined && encode(evidence, `the evidence of check '${check}'`).length > mostEvidence) throw new ValidationError(`check '${check}' gave more than ${mostEvidence} bytes of evidence; store that elsewhere and point to it.`, { path: check });
        return { guardrail: name, status, reason: shortened(reason), ...(status === 'inconclusive' && { cause: 'undecided' }), evidence };
      } catch (error) {
        return { guardrail: name, status: 'error', reason: shortened(describeFailure(error).message) };
      }
    }),
  );
}

function shortened(reason: unknown): string {
  const text = String(reason);
  return text.length > longestReason ? `${text.slice(0, longestReason)}…` : text;
}

function checkedResult(result: unknown, check: string): RolloutCheckResult {
  const status = (result as Partial<RolloutCheckResult> | null | undefined)?.status;
  if (status === 'success' || status === 'failed' || status === 'inconclusive') return result as RolloutCheckResult;
  throw new ValidationError(`check '${check}' gave ${shown(result)}; it gives { status: 'success' | 'failed' | 'inconclusive' }.`, { path: check });
}

async function within<T>(ms: number, clock: Clock, work: () => Promise<T>): Promise<T> {
  let undo = (): void => undefined;
  const late = new Promise<never>((_resolve, reject) => {
    undo = clock.setTimer(() => reject(new TimeoutError(`it took longer than ${ms / 1000} s.`, { limitMs: ms })), ms);
  });
  return Promise.race([work(), late]).finally(undo);
}

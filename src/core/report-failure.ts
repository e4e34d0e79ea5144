import { describeFailure } from './failure.ts';
import type { ErrorListener, Logger } from './logger.ts';

/** Who is told of a failure in the background. */
export interface FailureAudience {
  /** Who failed, as the log names it, such as `The tracker`. */
  readonly who: string;
  readonly logger?: Logger | undefined;
  readonly onError?: ErrorListener | undefined;
}

/**
 * Tells of a failure that no caller waits for. Never throws and leaves no rejection behind, whatever the caller's logger and listener do: an `onError` that fails,
 * at once or later, is told to the logger.
 */
export function reportFailure(error: unknown, { who, logger, onError }: FailureAudience): void {
  const log = (level: 'warn' | 'error', text: string): void => {
    try {
      logger?.[level](text);
    } catch {
      // Nobody is left to tell.
    }
  };
  const listenerFailed = (fault: unknown): void => log('error', `${who}'s onError failed: ${describeFailure(fault).message}`);
  log('warn', `${who} failed in the background: ${describeFailure(error).message}`);
  try {
    const answer: unknown = onError?.(error);
    if (answer instanceof Promise) answer.catch(listenerFailed);
  } catch (fault) {
    listenerFailed(fault);
  }
}

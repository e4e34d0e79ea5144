import { reportFailure, type FailureAudience } from '../core/report-failure.ts';
import type { RegistryEvent } from './registry-event.ts';

/** Hands events on to whoever wants them; what goes wrong there is told to `audience` and stops nothing. */
export function eventSink(onEvent: (event: RegistryEvent) => unknown, audience: FailureAudience): (event: RegistryEvent) => void {
  return (event) => {
    try {
      const answer = onEvent(event);
      if (answer instanceof Promise) answer.catch((error: unknown) => reportFailure(error, audience));
    } catch (error) {
      reportFailure(error, audience);
    }
  };
}

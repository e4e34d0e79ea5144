import type { Logger } from '../../core/logger.ts';
import type { DriftAlert } from './alert-state.ts';

const methods = { info: 'info', warning: 'warn', critical: 'error' } as const;

/** Tells a logger of alerts, each as loudly as it is bad. */
export function logSink(log: Logger): (alert: DriftAlert) => void {
  return ({ severity, status, summary }) => log[status === 'resolved' ? 'info' : methods[severity]](summary);
}

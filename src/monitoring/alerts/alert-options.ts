import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import type { Logger } from '../../core/logger.ts';
import { check } from '../../core/schema.ts';
import type { AlertKind } from './alert-state.ts';

/** Each kind of alert, of which one at a time fires. */
export const alertKinds: readonly AlertKind[] = ['data-drift', 'prediction-drift', 'performance', 'concept', 'estimate', 'health', 'quality'];

/** How bad an alert is. */
export type AlertSeverity = 'info' | 'warning' | 'critical';

/** When a monitor alerts. */
export interface MonitorAlertOptions {
  /**
   * After how many windows in a row that drifted, or periods whose performance was out of bounds; or for how long in a row such as '30m', from the moment that the first was judged; what could not be judged
   * neither counts nor interrupts. @default 1
   */
  readonly for?: number | Exclude<Duration, number> | undefined;
  /** After an alert, none of its kind fires again for so long; one that still has reason to fires then. @default 0 */
  readonly cooldown?: Duration | undefined;
  /** Is told of each alert that this process decides and that is not silenced: of a critical one as an error, of others as a warning or as information, of what is resolved as information. @default nobody */
  readonly log?: Logger | undefined;
  /** How bad each kind is. @default a warning, each */
  readonly severity?: AlertSeverities | undefined;
}

/** How bad each kind of alert is. */
export interface AlertSeverities {
  /** Of alerts about features. @default 'warning' */
  readonly 'data-drift'?: AlertSeverity | undefined;
  /** Of alerts about predictions. @default 'warning' */
  readonly 'prediction-drift'?: AlertSeverity | undefined;
  /** Of alerts about a performance that is out of its bounds. @default 'warning' */
  readonly performance?: AlertSeverity | undefined;
  /** Of alerts about losses that have changed. @default 'warning' */
  readonly concept?: AlertSeverity | undefined;
  /** Of alerts about a performance that is estimated to be out of its bounds. @default 'warning' */
  readonly estimate?: AlertSeverity | undefined;
  /** Of alerts about latency, errors or throughput that are out of their bounds. @default 'warning' */
  readonly health?: AlertSeverity | undefined;
  /** Of alerts about data whose quality is out of its bounds. @default 'warning' */
  readonly quality?: AlertSeverity | undefined;
}

/** {@link MonitorAlertOptions} with the defaults filled in. */
export interface AlertSettings {
  readonly windows: number;
  readonly forMs: number;
  readonly log: Logger | undefined;
  readonly cooldownMs: number;
  readonly severity: Readonly<Record<AlertKind, AlertSeverity>>;
}

const severity = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.enum(['info', 'warning', 'critical']));

const schema = /* @__PURE__ */ z.strictObject({
  for: z.optional(z.union([z.int().check(z.minimum(1), z.maximum(1000)), z.custom<Exclude<Duration, number>>((value) => typeof value === 'string', 'must be a number of windows, or a duration such as 30m')])),
  log: z.optional(z.custom<Logger>((value) => typeof (value as Partial<Logger> | undefined)?.warn === 'function', 'must be a logger, such as console')),
  cooldown: z.optional(z.custom<Duration>()),
  severity: z.optional(z.strictObject(eachKind(() => severity))),
});

/** Checks when a monitor alerts. */
export function alertSettings(options: MonitorAlertOptions | undefined, path: string): AlertSettings {
  const { for: wanted = 1, cooldown = 0, log, severity: given = {} } = check(schema, options ?? {}, path);
  return {
    windows: typeof wanted === 'number' ? wanted : 1,
    forMs: typeof wanted === 'number' ? 0 : durationMs(wanted, `${path}.for`),
    log,
    cooldownMs: durationMs(cooldown, `${path}.cooldown`),
    severity: eachKind((kind) => given[kind] ?? 'warning'),
  };
}

function eachKind<T>(valueOf: (kind: AlertKind) => T): Record<AlertKind, T> {
  return Object.fromEntries(alertKinds.map((kind) => [kind, valueOf(kind)])) as Record<AlertKind, T>;
}

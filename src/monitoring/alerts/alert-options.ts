import * as z from 'zod/mini';
import { durationMs, type Duration } from '../../core/duration.ts';
import { check } from '../../core/schema.ts';
import type { AlertKind } from './alert-state.ts';

/** Each kind of alert, of which one at a time fires. */
export const alertKinds = ['data-drift', 'prediction-drift', 'performance', 'health'] as const;

/** How bad an alert is. */
export type AlertSeverity = 'info' | 'warning' | 'critical';

/** When a monitor alerts. */
export interface MonitorAlertOptions {
  /** After how many windows in a row that drifted, or periods whose performance was out of bounds; what could not be judged neither counts nor interrupts. @default 1 */
  readonly for?: number | undefined;
  /** After an alert, none of its kind fires again for so long; one that still has reason to fires then. @default 0 */
  readonly cooldown?: Duration | undefined;
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
  /** Of alerts about latency, errors or throughput that are out of their bounds. @default 'warning' */
  readonly health?: AlertSeverity | undefined;
}

/** {@link MonitorAlertOptions} with the defaults filled in. */
export interface AlertSettings {
  readonly windows: number;
  readonly cooldownMs: number;
  readonly severity: Readonly<Record<AlertKind, AlertSeverity>>;
}

const severity = /* @__PURE__ */ z.optional(/* @__PURE__ */ z.enum(['info', 'warning', 'critical']));

const schema = /* @__PURE__ */ z.strictObject({
  for: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
  cooldown: z.optional(z.custom<Duration>()),
  severity: z.optional(z.strictObject(eachKind(() => severity))),
});

/** Checks when a monitor alerts. */
export function alertSettings(options: MonitorAlertOptions | undefined, path: string): AlertSettings {
  const { for: windows = 1, cooldown = 0, severity: given = {} } = check(schema, options ?? {}, path);
  return {
    windows,
    cooldownMs: durationMs(cooldown, `${path}.cooldown`),
    severity: eachKind((kind) => given[kind] ?? 'warning'),
  };
}

function eachKind<T>(valueOf: (kind: AlertKind) => T): Record<AlertKind, T> {
  return Object.fromEntries(alertKinds.map((kind) => [kind, valueOf(kind)])) as Record<AlertKind, T>;
}

import * as z from 'zod/mini';
import { NotFoundError, ValidationError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import { changeHead, type HeadChange, type HeadLocation } from '../../storage/head-record.ts';
import type { MonitorState } from '../monitor-state.ts';
import { alertKinds } from './alert-options.ts';
import type { AlertSilence, EndSilenceOptions, SilenceOptions } from './alert-silence.ts';

const text = /* @__PURE__ */ z.string().check(/* @__PURE__ */ z.minLength(1), /* @__PURE__ */ z.maxLength(10_000));

const silenceSchema = /* @__PURE__ */ z.strictObject({
  match: z.optional(z.strictObject({ kind: z.optional(z.enum(alertKinds)), severity: z.optional(z.enum(['info', 'warning', 'critical'])), column: z.optional(z.string()) })),
  until: z.number(),
  by: text,
  reason: text,
  signal: z.optional(z.unknown()),
});

const endSchema = /* @__PURE__ */ z.strictObject({ by: text, reason: text, signal: z.optional(z.unknown()) });

const silencesKept = 1000;

/** Silences alerts of a monitor that is stored. */
export async function addSilence(at: HeadLocation, name: string, now: number, options: SilenceOptions & OperationOptions): Promise<AlertSilence> {
  const { match = {}, until, by, reason } = check(silenceSchema, options, 'options');
  if (until <= now) throw new ValidationError(`options.until is ${shown(until)}, which is past; give a moment to come, in epoch milliseconds.`, { path: 'options.until' });
  const silence: AlertSilence = { id: newId(), match, from: now, until, by, reason };
  const change = (before: MonitorState | undefined): HeadChange<MonitorState> | undefined => {
    const others = inForce(before, now);
    if (others.length >= silencesKept) throw new ValidationError(`Monitor '${name}' has ${others.length} silences in force; end some of them.`, { path: 'options' });
    return before && { state: { ...before, silences: [...others, silence] }, events: [{ type: 'silenced', by, reason, subject: { kind: 'monitor', id: name }, data: silence }] };
  };
  await changeHead<MonitorState>(at, change, { signal: options.signal });
  return silence;
}

/** Ends a silence before its time. */
export async function endSilence(at: HeadLocation, name: string, now: number, id: string, options: EndSilenceOptions): Promise<void> {
  const { by, reason } = check(endSchema, options, 'options');
  const change = (before: MonitorState | undefined): HeadChange<MonitorState> => {
    const silences = inForce(before, now);
    const ended = silences.find((silence) => silence.id === id);
    if (before === undefined || ended === undefined) throw new NotFoundError(`Monitor '${name}' has no silence ${shown(id, 80)} in force; silences() lists them.`, { key: id });
    return { state: { ...before, silences: silences.filter((silence) => silence !== ended) }, events: [{ type: 'silence-ended', by, reason, subject: { kind: 'monitor', id: name }, data: ended }] };
  };
  await changeHead<MonitorState>(at, change, { signal: options.signal });
}

/** The silences of a monitor whose time is not over. */
export function inForce(state: MonitorState | undefined, now: number): readonly AlertSilence[] {
  return (state?.silences ?? []).filter(({ until }) => now < until);
}

import * as z from 'zod/mini';
import { ConflictError, ModelkeepError, ValidationError } from '../../core/errors.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { Clock } from '../../core/clock.ts';
import { hasEnded } from '../run-state.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import type { StepHandle } from '../step.ts';
import { decidedBefore, decisionOf } from './decision.ts';
import { isForPerson, moment, type StepWait } from './wait.ts';

/** Who decides, and what they say. */
export interface DecisionOptions extends OperationOptions {
  /** Who decides. It is recorded as it is given: whoever may write to the store may give any name. */
  readonly by: string;
  /** Why. @default nothing is said */
  readonly comment?: string | undefined;
}

const schema = z.strictObject({ by: z.string().check(z.minLength(1), z.maxLength(500)), comment: z.optional(z.string().check(z.maxLength(10_000))), signal: signalOption });

/** What is decided about. */
export interface DecisionSubject {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly head: RunHead;
  readonly step: StepHandle | string;
}

/** Records the first decision about a step that waits for a person, together with its evidence; everyone later is told whose that was. */
export async function decideStep({ store, clock, head, step: given }: DecisionSubject, verdict: 'approved' | 'rejected', options: DecisionOptions): Promise<void> {
  const { by, comment, signal } = check(schema, options, 'options');
  const step = stepOf(head, given);
  const wait = await waitOf(store, head, step);
  if (wait.approvers && !wait.approvers.includes(by)) {
    throw new ModelkeepError('forbidden', `${shown(by)} may not decide about step '${step}' of run ${head.id}; its approvers are ${wait.approvers.map((name) => shown(name)).join(', ')}.`, { run: head.id, step, by, approvers: wait.approvers });
  }
  const at = clock.now();
  if (wait.until !== undefined && wait.until <= at) throw new ConflictError(`Step '${step}' of run ${head.id} could be decided about until ${moment(wait.until)}; it is over.`, { key: head.id, step, until: wait.until });
  await store.decide(head.id, step, { verdict, by, ...(comment !== undefined && { comment }), at, round: head.round }, { signal });
}

function stepOf({ id, definition }: RunHead, given: StepHandle | string): string {
  const step = typeof given === 'string' ? given : (given as Partial<StepHandle> | undefined)?.name;
  const shape = definition.find(({ name }) => name === step);
  if (shape === undefined) throw new ValidationError(`Run ${id} has no step ${shown(step)}; give a step that waits, or its name: waiting() lists them.`, { path: 'step' });
  if (shape.waits === undefined || !isForPerson({ kind: shape.waits })) throw new ValidationError(`Step '${shape.name}' of run ${id} waits for nobody; only approvals are decided about.`, { path: 'step' });
  return shape.name;
}

async function waitOf(store: RunStore, head: RunHead, step: string): Promise<StepWait> {
  const decision = decisionOf(head, step);
  if (decision) throw decidedBefore(head.id, step, decision);
  const record = (await store.step(head.id, { step }))?.value;
  const present = record && (record.round === head.round || record.status === 'succeeded') ? record : undefined;
  if (present?.status === 'waiting' && !hasEnded(head.status)) return present.wait!;
  throw new ConflictError(`Step '${step}' of run ${head.id} does not wait: it is ${present?.status ?? 'pending'}, and the run ${head.status}.`, { key: head.id, step, status: present?.status ?? 'pending' });
}

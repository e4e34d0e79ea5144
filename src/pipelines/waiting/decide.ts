import * as z from 'zod/mini';
import { ConflictError, ModelkeepError, ValidationError } from '../../core/errors.ts';
import { isContentStream } from '../../core/content.ts';
import { signalOption, wellFormedCheck } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { Clock } from '../../core/clock.ts';
import type { StepShape } from '../definition.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import { packOutput } from '../output-codec.ts';
import { hasEnded } from '../run-state.ts';
import type { RunHead, RunStore } from '../run-store.ts';
import type { StepHandle } from '../step.ts';
import { storeOutput, type StoredValue } from '../stored-output.ts';
import { StoreFault, writeStream } from '../streamed-output.ts';
import { decidedBefore, decisionOf } from './decision.ts';
import { moment, type StepWait, type WaitKind } from './wait.ts';

/** Who decides, and what they say. */
export interface DecisionOptions extends OperationOptions {
  /** Who decides. It is recorded as it is given: whoever may write to the store may give any name. */
  readonly by: string;
  /** Why. @default nothing is said */
  readonly comment?: string | undefined;
}

const decision = { by: z.string().check(z.minLength(1), z.maxLength(500), wellFormedCheck), comment: z.optional(z.string().check(z.maxLength(10_000), wellFormedCheck)), signal: signalOption };
const schema = z.strictObject(decision);
const releaseSchema = z.strictObject({ ...decision, output: z.optional(z.unknown()) });

/** What is decided about. */
export interface DecisionSubject {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly head: RunHead;
  readonly step: StepHandle | string;
}

/** How what was set aside is released. */
export interface StepReleaseOptions<Output = unknown> extends DecisionOptions {
  /** What is released in its place, such as what was put right. @default what was set aside, as it is */
  readonly output?: Output | undefined;
}

/** What people decide. */
export type Verdict = 'approved' | 'released' | 'rejected';

// By what a step waits for, what can be decided about it and how that is called.
const verdicts: Readonly<Record<WaitKind, Partial<Record<Verdict, string>>>> = {
  sleep: {},
  approval: { approved: 'approve()', rejected: 'reject()' },
  quarantine: { released: 'release()', rejected: 'reject()' },
};

/** Records the first decision about a step that waits for a person, together with its evidence; everyone later is told whose that was. */
export async function decideStep({ store, clock, head, step: given }: DecisionSubject, verdict: Verdict, options: StepReleaseOptions): Promise<void> {
  const { by, comment, output, signal } = check(verdict === 'released' ? releaseSchema : schema, options, 'options') as StepReleaseOptions;
  const { name: step, waits } = stepShape(head, given);
  assertDecides(head, step, waits, verdict);
  const wait = await waitOf(store, head, step);
  if (wait.approvers && !wait.approvers.includes(by)) {
    throw new ModelkeepError('forbidden', `${shown(by)} may not decide about step '${step}' of run ${head.id}; its approvers are ${wait.approvers.map((name) => shown(name)).join(', ')}.`, { run: head.id, step, by, approvers: wait.approvers });
  }
  // Before it is asked whether there is time left: a large one takes a while.
  const stored = output === undefined ? undefined : await storeGiven(store.storage, output, signal);
  const at = clock.now();
  if (wait.until !== undefined && wait.until <= at) throw new ConflictError(`Step '${step}' of run ${head.id} could be decided about until ${moment(wait.until)}; it is over.`, { key: head.id, step, until: wait.until });
  await store.decide(head.id, step, { verdict, by, ...(comment !== undefined && { comment }), at, round: head.round, ...(stored && { output: stored }) }, { signal });
}

/** Stores what is released in the place of what was set aside, as what a step returns is stored. */
async function storeGiven(storage: StorageAdapter, output: unknown, signal = new AbortController().signal): Promise<StoredValue> {
  if (!isContentStream(output)) return storeOutput(storage, packOutput(output, 'options.output'));
  const written = await writeStream(storage, output, 'options.output', signal);
  if (written instanceof StoreFault) throw written.error;
  return written.stored;
}

/** A step of a run as it was when that began, by its handle or name. */
export function stepShape({ id, definition }: RunHead, given: StepHandle | string): StepShape {
  const step = typeof given === 'string' ? given : (given as Partial<StepHandle> | undefined)?.name;
  const shape = definition.find(({ name }) => name === step);
  if (shape === undefined) throw new ValidationError(`Run ${id} has no step ${shown(step)}; give a step that waits, or its name: waiting() lists them.`, { path: 'step' });
  return shape;
}

function assertDecides({ id }: RunHead, step: string, waits: WaitKind | undefined, verdict: Verdict): void {
  const open = waits === undefined ? {} : verdicts[waits];
  if (open[verdict] !== undefined) return;
  const calls = Object.values(open).join(' or ');
  throw new ValidationError(calls === '' ? `Step '${step}' of run ${id} waits for nobody; only approvals and quarantines are decided about.` : `Step '${step}' of run ${id} is no step that can be ${verdict}; ${calls} it.`, { path: 'step' });
}

async function waitOf(store: RunStore, head: RunHead, step: string): Promise<StepWait> {
  const decision = decisionOf(head, step);
  if (decision) throw decidedBefore(head.id, step, decision);
  const record = (await store.step(head.id, { step }))?.value;
  const present = record && (record.round === head.round || record.status === 'succeeded') ? record : undefined;
  if (present?.status === 'waiting' && !hasEnded(head.status)) return present.wait!;
  throw new ConflictError(`Step '${step}' of run ${head.id} does not wait: it is ${present?.status ?? 'pending'}, and the run ${head.status}.`, { key: head.id, step, status: present?.status ?? 'pending' });
}

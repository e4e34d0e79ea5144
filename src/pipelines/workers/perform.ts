import * as z from 'zod/mini';
import { throwIfAborted } from '../../core/abort.ts';
import { sleep, type Clock } from '../../core/clock.ts';
import { ValidationError } from '../../core/errors.ts';
import { isId } from '../../core/ids.ts';
import { signalOption } from '../../core/option-schemas.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { check } from '../../core/schema.ts';
import type { StepTask } from './step-executor.ts';
import { isOf, isOpen, isOver } from './task-record.ts';
import type { TaskWork } from './task-work.ts';
import { strangeTask } from './task-worker.ts';

const count = z.int().check(z.minimum(1));
const taskSchema = z.strictObject({ pipeline: z.string(), run: z.string().check(z.refine(isId, 'must be the id of a run')), round: count, step: z.string(), index: z.optional(z.int().check(z.minimum(0))), attempt: count });
const optionsSchema = z.strictObject({ signal: signalOption });

// How soon a task is looked at again that somebody else makes.
const pauses = { leastMs: 20, mostMs: 1_000 };

/** Makes the attempt that a queue has brought, or sees to it that somebody has. */
export async function performTask(pipeline: string, work: TaskWork, clock: Clock, given: StepTask, options: OperationOptions): Promise<void> {
  const task: StepTask = check(taskSchema, given, 'task');
  const { signal = new AbortController().signal } = check(optionsSchema, options, 'options');
  if (task.pipeline !== pipeline) throw new ValidationError(`The task is of pipeline '${task.pipeline}', not of '${pipeline}'; give it to the pipeline of that name.`, { path: 'task.pipeline' });
  const key = work.tasks.key(task.run, task);
  for (;;) {
    throwIfAborted(signal, `Performing an attempt at step '${task.step}'`);
    const found = await work.tasks.read(key, { signal });
    // Nobody waits for it any more, or it was made.
    if (found === undefined || !isOf(found.value, task) || isOver(found.value) || found.value.stop) return;
    if (found.value.definition !== work.digest) throw strangeTask(task.run);
    const now = clock.now();
    if (!isOpen(found.value, now)) await sleep(clock, Math.min(Math.max(found.value.claim!.expiresAt - now, pauses.leastMs), pauses.mostMs), signal);
    else {
      const make = await work.claim(found);
      if (make) return make(signal);
      await sleep(clock, pauses.mostMs, signal);
    }
  }
}

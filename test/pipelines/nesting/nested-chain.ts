import { Pipeline, type StepHandle, type StorageAdapter } from 'modelkeep';
import * as z from 'zod';
import { systemClock } from '../../../src/core/clock.ts';

/** The steps in the order in which they run; those with a dot are of the inner pipeline. */
export const names = ['before', 'inner.load', 'inner.fit', 'after'] as const;

/** A pipeline that runs another, in a process that begins `later` milliseconds from now: leases of those that were killed earlier have ended by then. */
export function nested(storage: StorageAdapter, later: number, began: (step: string) => void): { outer: Pipeline; inner: Pipeline<{ rows: number }>; last: StepHandle<string> } {
  const clock = { ...systemClock, now: () => Date.now() + later };
  const inner = new Pipeline({ name: 'inner', storage, clock, params: z.object({ rows: z.number() }) });
  const loaded = inner.step('load', {}, ({ params }) => {
    began('inner.load');
    return new Float64Array(params.rows).fill(2);
  });
  const fitted = inner.step('fit', { needs: { loaded } }, ({ inputs }) => {
    began('inner.fit');
    return inputs.loaded.reduce((sum, x) => sum + x, 0);
  });
  const outer = new Pipeline({ name: 'outer', storage, clock });
  const before = outer.step('before', {}, () => {
    began('before');
    return 1_000;
  });
  const train = outer.step('train', { needs: { before } }, inner.asStep({ params: ({ inputs }) => ({ rows: inputs.before }), output: (result) => result.output(fitted) }));
  const last = outer.step('after', { needs: { train } }, ({ inputs }) => {
    began('after');
    return `sum ${inputs.train}`;
  });
  return { outer, inner, last };
}

import { ValidationError } from '../../core/errors.ts';
import type { CancelCause } from '../cancelling/cancellation.ts';
import type { StorageAdapter } from '../../storage/contract.ts';

/** A pipeline that steps of others run. */
export interface ChildPipeline {
  readonly name: string;
  readonly storage: StorageAdapter;
  /** The pipelines that its own steps run, as it is defined now; throws `ValidationError` when it cannot run. */
  children(): readonly ChildPipeline[];
  /** Has a run of it cancelled by whoever works on it, if there is one that has not ended. */
  cancel(id: string, cause: CancelCause): Promise<void>;
  /** The same, and goes on with it where nobody does, until it has ended. */
  cancelToEnd(id: string, cause: CancelCause): Promise<void>;
}

const child: unique symbol = /* @__PURE__ */ Symbol('child pipeline');

/** Marks the work of a step as a run of another pipeline. */
export function running<Work extends (context: never) => unknown>(pipeline: ChildPipeline, work: Work): Work {
  return Object.assign(work, { [child]: pipeline });
}

/** The pipeline that the work of a step runs, if it is that. */
export function childOf(work: unknown): ChildPipeline | undefined {
  return typeof work === 'function' ? (work as { readonly [child]?: ChildPipeline })[child] : undefined;
}

/** Throws `ValidationError` when a pipeline would run itself, at whatever remove, or one below it cannot run. */
export function assertNoCircle(pipeline: ChildPipeline): void {
  const done = new Set<ChildPipeline>();
  const descend = (at: ChildPipeline, above: readonly ChildPipeline[]): void => {
    const path = [...above, at];
    if (above.some((other) => other.name === at.name && other.storage === at.storage)) {
      const circle = path.map(({ name }) => name);
      throw new ValidationError(`Pipelines run each other in a circle: ${circle.join(' → ')}. Take one of these steps out.`, { path: pipeline.name, circle });
    }
    if (done.has(at)) return;
    for (const below of at.children()) descend(below, path);
    done.add(at);
  };
  descend(pipeline, []);
}

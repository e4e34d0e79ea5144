import { runIdFor } from '../launching/launch.ts';

/** The id of the run that a step of another pipeline, or an item of it, is: one for all attempts, whichever process makes them. It has the time of the parent's run, so that it is listed where that is. */
export function childRunId(parent: { readonly pipeline: string; readonly run: string; readonly step: string; readonly index?: number | undefined }, child: string): string {
  const at = parseInt(parent.run.slice(0, 8) + parent.run.slice(9, 13), 16);
  return runIdFor(at, 'step', parent.pipeline, parent.run, parent.step, child, ...(parent.index === undefined ? [] : [parent.index]));
}

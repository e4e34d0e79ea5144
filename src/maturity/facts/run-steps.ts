import type { RunHead, StepRecord } from '../../pipelines/run-store.ts';
import { RunStore } from '../../pipelines/run-store.ts';
import { readStored } from '../../pipelines/stored-output.ts';
import type { Assessment } from './assessment.ts';

// What a gate puts out has at most 256 KiB, and is read to see that it is the report of one.
const largestReport = 256 * 1024;

/** The records of the steps of a run, by name. `undefined` when one cannot be read. */
export async function readStepRecords(assessment: Assessment, pipeline: string, { id, definition }: RunHead): Promise<ReadonlyMap<string, StepRecord> | undefined> {
  const store = new RunStore(assessment.storage, pipeline, assessment.clock);
  try {
    const records = await store.steps(id, definition.map(({ name }) => name), assessment.options);
    return new Map([...records].map(([name, { value }]) => [name, value]));
  } catch (error) {
    assessment.note(`the steps of run ${id} of pipeline '${pipeline}'`, error);
    return undefined;
  }
}

/** The steps that had to come before a step, by the graph of the run. */
export function stepsBefore({ definition }: RunHead, step: string): ReadonlySet<string> {
  const shapes = new Map(definition.map((shape) => [shape.name, shape]));
  const before = new Set<string>();
  const open = [step];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const { needs = {}, after = [] } = shapes.get(name) ?? {};
    for (const each of [...Object.values(needs), ...after]) {
      if (before.has(each)) continue;
      before.add(each);
      open.push(each);
    }
  }
  return before;
}

/** Whether what a step put out is the report of a gate that passed. */
export async function isPassedGate(assessment: Assessment, step: string, { status, output }: StepRecord): Promise<boolean> {
  if (status !== 'succeeded' || output === undefined || 'items' in output || output.streamed) return false;
  if (('bytes' in output ? output.bytes.length : output.size) > largestReport) return false;
  try {
    const report = (await readStored(assessment.storage, output, step)) as { readonly passed?: unknown; readonly checks?: unknown } | null | undefined;
    return report?.passed === true && Array.isArray(report.checks) && report.checks.length > 0;
  } catch (error) {
    assessment.note(`the output of step '${step}'`, error);
    return false;
  }
}

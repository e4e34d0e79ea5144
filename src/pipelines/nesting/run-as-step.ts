import { sleep } from '../../core/clock.ts';
import { isModelkeepError, ModelkeepError } from '../../core/errors.ts';
import type { PipelineResult } from '../run-result.ts';
import type { StepResult } from '../step-result.ts';
import type { StepContext } from '../step.ts';
import { childRunId } from './child-run-id.ts';
import type { SubPipelineHost, SubPipelineTerms, SubRun } from './sub-pipeline.ts';

// How soon a run is looked at again that somebody else works on.
const pauses = { leastMs: 20, mostMs: 1_000 };

/** Runs a pipeline for an attempt at a step: the one run of that step, begun or gone on with. */
export async function runAsStep(host: SubPipelineHost, terms: SubPipelineTerms, context: StepContext<never, never>): Promise<unknown> {
  const { run: parent, signal } = context;
  const id = childRunId({ pipeline: parent.pipeline, run: parent.id, step: parent.step, index: parent.index }, host.name);
  const result = await advanced(host, id, terms, context);
  if (result.status === 'succeeded') {
    const subRun: SubRun = { pipeline: host.name, run: id };
    return terms.output ? terms.output(result) : subRun;
  }
  signal.throwIfAborted();
  throw failureOf(result);
}

/** One works on a run at a time: whoever had it (an attempt that was left behind, a process that was killed) is waited for, until it has ended or its lease has. */
async function advanced(host: SubPipelineHost, id: string, { params, onEvent, concurrency }: SubPipelineTerms, context: StepContext<never, never>): Promise<PipelineResult> {
  const { run: { id: run, pipeline, step }, signal } = context;
  // Those of a run that was begun are stored with it.
  const given = (await host.begun(id, { signal })) ? undefined : await host.validated(await params?.(context));
  for (;;) {
    try {
      return await host.advance({ id, params: given, triggeredBy: { kind: 'pipeline', pipeline, run, step } }, { signal, onEvent, concurrency });
    } catch (error) {
      if (!isModelkeepError(error, 'conflict')) throw error;
      const { expiresAt } = error.details as { readonly expiresAt?: number };
      const left = expiresAt === undefined ? 0 : expiresAt - host.clock.now();
      await sleep(host.clock, Math.min(Math.max(left, pauses.leastMs), pauses.mostMs), signal);
    }
  }
}

function failureOf({ id, pipeline, status, steps }: PipelineResult): ModelkeepError {
  const all = Object.values(steps);
  const culprit: StepResult | undefined = all.find((step) => step.status === 'failed') ?? all.find((step) => step.status === 'cancelled');
  const why = culprit === undefined ? '' : `: step '${culprit.name}' ${culprit.failure ? `failed: ${culprit.failure.message}` : `was cancelled, for ${culprit.because}`}`;
  return new ModelkeepError('pipeline-failed', `Run ${id} of pipeline '${pipeline}' ${status === 'failed' ? 'failed' : 'was cancelled'}${why}`, {
    pipeline,
    run: id,
    status,
    step: culprit?.name,
    failure: culprit?.failure,
  });
}

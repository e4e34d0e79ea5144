import type { StepResult } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { exitCodes } from '../../exit-code.ts';
import { durationText } from '../../output/formats.ts';
import { statusStyle } from '../../output/status-style.ts';
import { table } from '../../output/table.ts';
import { pipelineOf } from '../../user-module.ts';
import { findRun } from './open-pipeline.ts';

export const pipelinesResume: Command = defineCommand({
  path: ['pipelines', 'resume'],
  summary: 'Go on with a run that was interrupted or failed; steps that are done are not done again.',
  details: [
    'The steps are your code: --module exports the pipeline, alone, in a list `pipelines`, or by a function `pipelines({ storage })` that makes them over the store of --store.',
    'Ctrl-C stops the running steps and leaves the rest to the next resume.',
  ],
  options: { 'take-over': { type: 'flag', description: 'Take the run from a process that still holds it: only when you know that it is gone.' } },
  positionals: [{ name: 'RUN', description: 'The id of the run.' }],
  examples: [{ command: 'pipelines resume 0197a3c2-5b1e-7cc0-8d2f-3a1b5c7d9e0f --module ./mlops.js', does: 'After a crash.' }],
  async run({ options, positionals: [id = ''], storage, module, out, progress, signal }) {
    const code = await module();
    const { pipeline: name } = await findRun(await storage(), id, signal);
    const pipeline = pipelineOf(code, name);
    let done = 0;
    const result = await pipeline.resume(id, {
      takeOver: options['take-over'],
      signal,
      onEvent: (event) => {
        if ('step' in event) progress({ phase: `${event.type} ${event.step}`, done: event.type === 'step-succeeded' ? ++done : done });
      },
    });
    const { status, steps, timings, waitingFor, failure } = result;
    await out.result({ id, pipeline: name, status, steps, timings, waitingFor, failure }, (page) =>
      `${table(Object.values(steps), [
        { head: 'STEP', text: (step: StepResult) => step.name },
        { head: 'STATUS', text: (step) => step.status, whole: true, style: (step) => statusStyle(step.status) },
        { head: 'TOOK', text: (step) => durationText(step.durationMs), align: 'right' },
        { head: 'WHY', text: (step) => step.failure?.message ?? step.because },
      ], page)}\n${page.style(statusStyle(status) ?? 'head', status)}`,
    );
    return status === 'succeeded' || status === 'waiting' ? exitCodes.done : exitCodes.failed;
  },
});

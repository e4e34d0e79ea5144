import { isModelkeepError } from '../../../core/errors.ts';
import type { GateReport } from '../../../index.ts';
import { actorOf } from '../../actor.ts';
import { defineCommand, type Command } from '../../command.ts';
import { exitCodes } from '../../exit-code.ts';
import { printable } from '../../output/printable.ts';
import { UsageError } from '../../usage-error.ts';
import { gateText } from './gate-text.ts';
import { openRegistry } from './open-registry.ts';
import { stageOf, stages } from './stage.ts';

export const modelsPromote: Command = defineCommand({
  path: ['models', 'promote'],
  summary: 'Move a version to a stage, when its gates let it; exit 3 when they do not.',
  details: ['Who was in production before is archived. The history keeps who did it and why.'],
  options: {
    reason: { type: 'text', short: 'r', value: 'TEXT', description: 'Why, for the history; it must be given.' },
    by: { type: 'text', value: 'NAME', description: 'Who does it, for the history.', otherwise: 'the user of the system' },
    force: { type: 'flag', description: 'Promote although gates fail; the history keeps that.' },
  },
  positionals: [
    { name: 'VERSION', description: 'Such as NAME@3 or NAME@latest.' },
    { name: 'STAGE', description: `One of ${stages.join(', ')}.` },
  ],
  examples: [{ command: "models promote flight-delay@3 production --reason 'auc +0.02'", does: 'Into production, if the gates say so.' }],
  async run(call) {
    const { options: { reason, by, force }, positionals: [ref = '', stage = ''], out, signal, host } = call;
    if (reason === undefined) throw new UsageError('--reason is missing: why it is done, for the history.');
    const wanted = stageOf(stage);
    const actor = actorOf(by, host);
    const registry = await openRegistry(call);
    try {
      const version = await registry.promote(ref, wanted, { by: actor, reason, force, signal });
      await out.result(version, () => `${printable(version.model)}@${version.version} is in ${version.stage}.`);
      return exitCodes.done;
    } catch (error) {
      if (!isModelkeepError(error, 'gate')) throw error;
      const report = error.details['report'] as GateReport | undefined;
      await out.result({ promoted: false, message: error.message, report }, (page) => (report === undefined ? printable(error.message) : gateText(report, page)));
      return exitCodes.gate;
    }
  },
});

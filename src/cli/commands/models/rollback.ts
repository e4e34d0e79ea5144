import { actorOf } from '../../actor.ts';
import { defineCommand, type Command } from '../../command.ts';
import { printable } from '../../output/printable.ts';
import { UsageError } from '../../usage-error.ts';
import { wholeNumber } from '../../value-rules.ts';
import { openRegistry } from './open-registry.ts';

export const modelsRollback: Command = defineCommand({
  path: ['models', 'rollback'],
  summary: 'Bring back the version that was in production before.',
  options: {
    reason: { type: 'text', short: 'r', value: 'TEXT', description: 'Why, for the history; it must be given.' },
    by: { type: 'text', value: 'NAME', description: 'Who does it, for the history.', otherwise: 'the user of the system' },
    to: { type: 'number', value: 'N', rule: wholeNumber(1), description: 'The number of an earlier version.', otherwise: 'the one that the present one replaced' },
    from: { type: 'number', value: 'N', rule: wholeNumber(1), description: 'Only when this version is in production, so that two who go back at once go back once.', otherwise: 'any' },
    verify: { type: 'flag', description: 'Read every file of the version whole before the change.' },
  },
  positionals: [{ name: 'MODEL', description: 'The name of a model.' }],
  examples: [{ command: 'models rollback flight-delay --reason drift --from 3', does: 'Back from version 3, if it is still in production.' }],
  async run(call) {
    const { options: { reason, by, to, from, verify }, positionals: [model = ''], out, signal, host } = call;
    if (reason === undefined) throw new UsageError('--reason is missing: why it is done, for the history.');
    const actor = actorOf(by, host);
    const registry = await openRegistry(call);
    const version = await registry.rollback(model, { by: actor, reason, to, from, verifyAll: verify, signal });
    await out.result(version, () => `${printable(version.model)}@${version.version} is in ${version.stage} again.`);
  },
});

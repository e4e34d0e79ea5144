import type { ModelInfo, ModelVersion, RegistryEvent } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { bytesText, countText, numberText, timeText, valueText } from '../../output/formats.ts';
import type { TextPage } from '../../output/page.ts';
import { titled } from '../../output/sections.ts';
import { statusStyle } from '../../output/status-style.ts';
import { facts, table } from '../../output/table.ts';
import { wholeNumber } from '../../value-rules.ts';
import { openRegistry } from './open-registry.ts';

export const modelsShow: Command = defineCommand({
  path: ['models', 'show'],
  summary: 'Show a model with its versions and history, or one version of it.',
  options: { limit: { type: 'number', short: 'n', value: 'N', rule: wholeNumber(1, 1000), description: 'At most so many versions and events, the newest.', otherwise: '20' } },
  positionals: [{ name: 'MODEL', description: 'A name, or a version: NAME@3, NAME@production, NAME@champion, NAME@latest.' }],
  examples: [
    { command: 'models show flight-delay', does: 'A model, its versions and who changed what.' },
    { command: 'models show flight-delay@production', does: 'The version in production, its files and metrics.' },
  ],
  async run(call) {
    const { options, positionals: [ref = ''], out, signal } = call;
    const registry = await openRegistry(call);
    if (ref.includes('@')) {
      const version = await registry.getVersion(ref, { signal });
      await out.result(version, (page) => versionText(version, page));
      return;
    }
    const limit = options.limit ?? 20;
    const model = await registry.getModel(ref, { signal });
    const versions = await registry.listVersions(ref, { limit, signal });
    const history = (await registry.history(ref, { signal })).slice(-limit).reverse();
    await out.result({ model, versions: versions.items, damaged: versions.damaged, next: versions.next, history }, (page) => modelText(model, versions.items, history, page));
    if (versions.damaged.length > 0) await out.note(`${countText(versions.damaged.length, 'version')} cannot be read and left out; 'modelkeep store check' tells why.`);
  },
});

function modelText(model: ModelInfo, versions: readonly ModelVersion[], history: readonly RegistryEvent[], page: TextPage): string {
  return [
    facts(
      [
        ['Model', model.name], ['Description', model.description], ['Owner', model.owner], ['Created', timeText(model.createdAt, page)],
        ['Production', model.production?.toString()], ['Staging', model.staging?.toString()], ['Rollback to', model.rollbackTo?.toString()],
        ...Object.entries(model.aliases).map(([alias, version]): [string, string] => [`@${alias}`, String(version)]), ...Object.entries(model.tags),
      ],
      page,
    ),
    titled('Versions', versions.length === 0 ? '' : table(versions, [
      { head: 'VERSION', text: ({ version }) => String(version), align: 'right' },
      { head: 'STAGE', text: ({ stage, retired }) => (retired ? 'retired' : stage), style: ({ stage }) => statusStyle(stage) },
      { head: 'ALIASES', text: ({ aliases }) => aliases.join(', '), spare: true },
      { head: 'METRICS', text: ({ metrics }) => Object.entries(metrics).map(([name, value]) => `${name} ${numberText(value)!}`).join(', ') },
      { head: 'CREATED', text: ({ createdAt }) => timeText(createdAt, page), whole: true, spare: true },
      { head: 'BY', text: ({ createdBy }) => createdBy, spare: true },
    ], page), page),
    titled('History', history.length === 0 ? '' : table(history, [
      { head: 'AT', text: ({ at }) => timeText(at, page), whole: true },
      { head: 'WHAT', text: (event) => event.type },
      { head: 'VERSION', text: (event) => versionOf(event), align: 'right' },
      { head: 'BY', text: ({ by }) => by },
      { head: 'REASON', text: ({ reason }) => reason },
    ], page), page),
  ].filter((part) => part !== '').join('\n\n');
}

function versionOf(event: RegistryEvent): string | undefined {
  const version = (event as { readonly version?: unknown }).version ?? (event.data as { readonly version?: unknown } | undefined)?.version;
  return typeof version === 'number' ? String(version) : undefined;
}

function versionText(version: ModelVersion, page: TextPage): string {
  return [
    facts(
      [
        ['Version', `${version.model}@${version.version}`], ['Stage', version.retired ? `${version.stage}, retired` : version.stage], ['Aliases', version.aliases.join(', ') || undefined],
        ['Description', version.description], ['Created', timeText(version.createdAt, page)], ['By', version.createdBy], ['Run', version.run], ['Pipeline run', version.pipelineRun],
        ['Flavor', version.flavor], ['Licence', version.licence], ['Digest', version.digest], ['Size', bytesText(version.size)],
        ['Dataset', version.dataset === undefined ? undefined : version.dataset.name ?? version.dataset.digest],
        ['Framework', version.framework === undefined ? undefined : valueText(version.framework)],
      ],
      page,
    ),
    titled('Metrics', facts(Object.entries(version.metrics).map(([name, value]) => [name, numberText(value)]), page), page),
    titled('Tags', facts(Object.entries(version.tags), page), page),
    titled('Files', table(version.files, [{ head: 'FILE', text: ({ path }) => path }, { head: 'SIZE', text: ({ size }) => bytesText(size), align: 'right' }, { head: 'DIGEST', text: ({ digest }) => digest, spare: true }], page), page),
  ].filter((part) => part !== '').join('\n\n');
}

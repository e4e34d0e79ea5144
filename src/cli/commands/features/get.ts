import { parseLossless } from '../../../core/lossless-json.ts';
import type { OnlineFeatures, Row } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import type { CliHost } from '../../host.ts';
import { library } from '../../library.ts';
import { valueText } from '../../output/formats.ts';
import type { TextPage } from '../../output/page.ts';
import { printable } from '../../output/printable.ts';
import { table } from '../../output/table.ts';
import { readGivenJson } from '../../read-given-file.ts';
import { UsageError } from '../../usage-error.ts';

export const featuresGet: Command = defineCommand({
  path: ['features', 'get'],
  summary: 'Get the online features of entities, as a model would be given them.',
  details: ['Views that are computed on demand need your code: --module exports them, alone or in `views`.'],
  options: {
    entity: { type: 'texts', short: 'e', value: 'KEY=VALUE,…', path: 'entities', description: 'The keys of an entity, and what else a request has; a value in JSON or a text.' },
    entities: { type: 'text', value: 'FILE', path: 'entities', description: 'A file of JSON with an array of such objects, in place of --entity.' },
    'full-names': { type: 'flag', description: 'Name columns view__feature instead of feature.' },
  },
  positionals: [{ name: 'FEATURE', description: 'The name of a feature service, or features one by one: view:feature, view:*.', several: true }],
  examples: [
    { command: 'features get delay_v1 --entity origin=ATL,distance=500', does: 'The features of a service for one entity.' },
    { command: "features get 'airport_delays:*' -e origin=ATL -e origin=JFK --json", does: 'All features of a view for two, for a script.' },
  ],
  async run({ options, positionals, storage, moduleIfGiven, out, signal, host }) {
    if (options.entities !== undefined && options.entity.length > 0) throw new UsageError('--entity and --entities are both given; give one of them.');
    const entities = options.entities === undefined ? options.entity.map(entityOf) : await entitiesIn(options.entities, host);
    if (entities.length === 0) throw new UsageError('No entity is named; give --entity KEY=VALUE or --entities FILE.');
    const { FeatureStore } = await library();
    const onDemand = (await moduleIfGiven())?.views;
    await using store = new FeatureStore({ storage: await storage(), onDemand });
    const features = positionals.length === 1 && !positionals[0]!.includes(':') ? positionals[0]! : positionals;
    const found = await store.getOnlineFeatures({ entities, features, fullFeatureNames: options['full-names'], signal });
    await out.result(found, (page) => textOf(found, entities.length, page));
  },
});

function entityOf(text: string): Row {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new UsageError(`--entity is '${printable(text)}'; write KEY=VALUE, several with commas, or use --entities FILE.`);
      return [pair.slice(0, at), valueOf(pair.slice(at + 1))];
    }),
  );
}

function valueOf(text: string): unknown {
  try {
    return parseLossless(text);
  } catch {
    return text;
  }
}

async function entitiesIn(file: string, host: CliHost): Promise<readonly Row[]> {
  const rows = await readGivenJson(file, '--entities', host, parseLossless);
  if (Array.isArray(rows) && rows.every((row) => typeof row === 'object' && row !== null && !Array.isArray(row))) return rows as readonly Row[];
  throw new UsageError(`--entities names ${file}, which must hold an array of objects.`);
}

function textOf({ columns, statuses }: OnlineFeatures, count: number, page: TextPage): string {
  const cell = (name: string, row: number): string => {
    const status = statuses[name]?.[row];
    const value = columns[name]![row];
    const shown = value === null || value === undefined ? '–' : valueText(value);
    return status === undefined || status === 'PRESENT' ? shown : `${shown} ${status}`;
  };
  return table(Array.from({ length: count }, (_, row) => row), Object.keys(columns).map((name) => ({ head: name, text: (row: number) => cell(name, row) })), page);
}

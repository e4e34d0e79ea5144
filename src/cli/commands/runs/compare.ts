import type { ComparedItem, RunComparison } from '../../../index.ts';
import { defineCommand, type Command } from '../../command.ts';
import { numberText, valueText } from '../../output/formats.ts';
import type { TextPage } from '../../output/page.ts';
import { printable } from '../../output/printable.ts';
import { titled } from '../../output/sections.ts';
import { table } from '../../output/table.ts';

export const runsCompare: Command = defineCommand({
  path: ['runs', 'compare'],
  summary: 'Put runs side by side: params, metrics, datasets, code, environment; by default what differs.',
  options: { all: { type: 'flag', short: 'a', description: 'Show what is the same, too.' } },
  positionals: [{ name: 'RUN', description: 'The ids of two runs or more.', several: true }],
  examples: [
    { command: 'runs compare 0197a3c2-5b1e-7cc0-8d2f-3a1b5c7d9e0f 0197a3c2-77aa-7de1-9c30-1f2e3d4c5b6a', does: 'What differs between two runs.' },
    { command: 'runs compare 0197a3c2-5b1e-7cc0-8d2f-3a1b5c7d9e0f 0197a3c2-77aa-7de1-9c30-1f2e3d4c5b6a --all --json', does: 'Everything, for a script.' },
  ],
  async run({ options, positionals, storage, out, signal }) {
    const { Tracker } = await import('../../../index.ts');
    const tracker = new Tracker({ storage: await storage() });
    const comparison = await tracker.compareRuns(positionals, { only: options.all ? 'all' : 'differences', signal });
    await out.result(comparison, (page) => textOf(comparison, page));
  },
});

function textOf(comparison: RunComparison, page: TextPage): string {
  const { runs, params, attributes, tags, metrics, datasets, code, environment, packages, models, artifacts } = comparison;
  const heads = runs.map(({ id, name }) => name ?? id);
  const part = <T>(title: string, items: readonly ComparedItem<T>[], text: (value: T) => string): string => titled(title, items.length === 0 ? '' : sideBySide(heads, items, text, page), page);
  const parts = [
    part('Params', params, valueText),
    part('Metrics (latest)', metrics, ({ value }) => numberText(value)!),
    part('Datasets', datasets, (sets) => sets.map(({ name }) => name).join(', ')),
    part('Attributes', attributes, valueText),
    part('Tags', tags, valueText),
    part('Code', code, valueText),
    part('Environment', environment, valueText),
    part('Packages', packages, valueText),
    part('Models', models, (some) => some.map(({ digest }) => digest).join(', ')),
    part('Artifacts', artifacts, ({ digest }) => digest),
  ].filter((text) => text !== '');
  const list = runs.map(({ id, name }) => `${id}${name === undefined ? '' : `  ${printable(name)}`}`).join('\n');
  return [list, ...(parts.length === 0 ? ['Nothing differs.'] : parts)].join('\n\n');
}

function sideBySide<T>(heads: readonly string[], items: readonly ComparedItem<T>[], text: (value: T) => string, page: TextPage): string {
  return table(
    items,
    [
      { head: 'NAME', text: ({ name }) => name },
      { head: '', text: ({ verdict }) => (verdict === 'same' ? '=' : verdict === 'different' ? '≠' : '?'), whole: true },
      ...heads.map((head, i) => ({ head, text: ({ values }: ComparedItem<T>): string | undefined => (values[i] === undefined ? '–' : text(values[i])) })),
    ],
    page,
  );
}

import { escapeSegment } from '../../core/key.ts';
import { NotFoundError } from '../../core/errors.ts';
import { ABTest } from '../../experiments/ab-test.ts';
import type { ExperimentState } from '../../experiments/definition/experiment-state.ts';
import { html } from '../../report/markup/html.ts';
import { abTestSection } from '../../report/sections/ab-test.ts';
import { readEachHead } from '../../storage/head-record.ts';
import type { UiCall, UiPage } from '../call.ts';
import { facts, link, liveLead, livePart, state, table, type Cell } from '../page/table.ts';
import { eventsPage, mostEvents } from './events.ts';

/** The A/B tests of a store. */
export async function testsPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const { items, damaged, next } = await ABTest.list({ storage: store.storage, limit: 50, after: query.text('after'), signal });
  const rows = items.map(({ name, definition, stopped }): Cell[] => [
    link(links.to('test', { name }), name),
    stopped === undefined ? state('running') : html`${state('stopped')} ${stopped.ship !== undefined && html`<bdi>${stopped.ship}</bdi> for everybody`}`,
    html`<bdi>${definition.variants.map((variant) => variant.name).join(', ')}</bdi>`,
    `${formats.number(100 * definition.coverage)} %`,
  ]);
  for (const { name } of damaged) rows.push([html`<bdi>${name}</bdi>`, state('damaged'), '–', '–']);
  const columns = [{ head: 'Test' }, { head: 'Stands' }, { head: 'Variants' }, { head: 'Coverage', numeric: true }];
  const body = html`${table({ caption: 'A/B tests', columns, rows, empty: html`No test was started yet. See <code>new ABTest({ storage, name, variants, metrics })</code>.` })}
${next !== undefined && html`<p class="actions"><a rel="next" href="${links.to('tests', { after: next })}">Next page</a></p>`}`;
  return { title: 'A/B tests', trail: [], body };
}

/** An A/B test: what its units say by now, and what happened to it. */
export async function testPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const name = query.required('name');
  const key = `experiments/${escapeSegment(name)}`;
  const before = query.number('before');
  const [head] = await readEachHead<ExperimentState>(store.storage, [key], { signal });
  if (head === undefined) throw new NotFoundError(`There is no A/B test '${name}' in this store.`, { key: name });
  if ('error' in head) throw head.error;
  const { definition, stopped } = head.state;
  const [analysis, history] = await Promise.all([definition.metrics.length === 0 ? undefined : store.analyses.of(name, head.sequence, signal), store.histories.of(key).page({ limit: mostEvents, before, signal })]);
  const body = html`${liveLead(facts([
    ['Stands', stopped === undefined ? state('running') : state('stopped')],
    ['Stopped', stopped && formats.time(stopped.at)],
    ['Stopped by', stopped?.by && html`<bdi>${stopped.by}</bdi>`],
    ['Why', stopped?.reason && html`<bdi>${stopped.reason}</bdi>`],
    ['Everybody has', stopped?.ship && html`<bdi>${stopped.ship}</bdi>`],
    ['Variants', html`<bdi>${definition.variants.map((variant) => variant.name).join(', ')}</bdi>`],
    ['Coverage', `${formats.number(100 * definition.coverage)} %`],
  ]))}
${analysis === undefined ? livePart('analysis', 'Analysis', html`<p class="muted">The test has no metrics.</p>`) : livePart('analysis', 'Analysis', abTestSection({ analysis, name }, formats.context, 'test').body)}
${livePart('history', 'History', eventsPage(call, 'History', history, { before, at: (older) => `${links.to('test', { name, before: older })}#history` }))}`;
  return { title: name, trail: [{ title: 'A/B tests', href: links.to('tests') }], body, live: links.to('live', { of: 'test', name }) };
}

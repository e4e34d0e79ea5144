import type { AuditEvent } from '../../core/audit.ts';
import { escapeSegment } from '../../core/key.ts';
import { NotFoundError } from '../../core/errors.ts';
import { html } from '../../report/markup/html.ts';
import { rolloutSection } from '../../report/sections/rollout.ts';
import type { RolloutEvent } from '../../serving/rollout/rollout-event.ts';
import { statusOf } from '../../serving/rollout/rollout-status.ts';
import type { ServingHead } from '../../serving/rollout/rollout-store.ts';
import { readHead } from '../../storage/head-record.ts';
import { listHeads } from '../../storage/list-heads.ts';
import type { UiCall, UiPage } from '../call.ts';
import { link, liveLead, livePart, state, table, type Cell } from '../page/table.ts';
import { eventsPage, mostEvents } from './events.ts';

const folder = 'serving/';

/** The models that versions are rolled out of, with the rollout that goes on or was last. */
export async function rolloutsPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const { items, damaged, next } = await listHeads<ServingHead>(folder, { storage: store.storage, limit: 50, after: query.text('after'), signal });
  const rows = items.flatMap(({ state: { rollout } }): Cell[][] => {
    if (rollout === undefined) return [];
    const { model } = rollout;
    const { candidate, stable, phase, outcome, weight, startedAt } = statusOf(rollout, rollout.verdicts, store.clock.now());
    return [[link(links.to('rollout', { model }), model), state(outcome ?? phase), `@${stable} → @${candidate}`, `${formats.number(weight)} %`, formats.time(startedAt)]];
  });
  for (const { name } of damaged) rows.push([html`<bdi>${name}</bdi>`, state('damaged'), '–', '–', '–']);
  const columns = [{ head: 'Model' }, { head: 'Stands' }, { head: 'Versions' }, { head: 'Traffic', numeric: true }, { head: 'Began' }];
  const body = html`${table({ caption: 'Rollouts', columns, rows, empty: html`Nothing was rolled out yet. See <code>deployment.startRollout({ candidate, steps })</code>.` })}
${next !== undefined && html`<p class="actions"><a rel="next" href="${links.to('rollouts', { after: next })}">Next page</a></p>`}`;
  return { title: 'Rollouts', trail: [], body };
}

/** The rollouts of a model: where the last one stands and why, and what happened to all of them. */
export async function rolloutPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const model = query.required('model');
  const at = { storage: store.storage, key: `${folder}${escapeSegment(model)}` };
  const head = await readHead<ServingHead>(at, { signal });
  if (head?.rollout === undefined) throw new NotFoundError(`No version of model '${model}' was rolled out in this store.`, { key: model });
  const { id } = head.rollout;
  const history = store.histories.of(at.key);
  const before = query.number('before');
  // It began with the last event of that type, which may stand far behind the newest ones.
  const started = (await history.page({ limit: 1, wants: (type) => type === 'started', signal })).events.filter((event) => isOf(event, id));
  const since = started[0]?.sequence ?? 0;
  const newest = await history.page({ limit: mostEvents, signal });
  const own = newest.events.filter((event) => isOf(event, id) && event.sequence > since);
  const events = [...own, ...started].toReversed() as RolloutEvent[];
  const earlier = await history.page({ limit: mostEvents, before: Math.min(before ?? since, since), signal });
  const status = statusOf(head.rollout, head.rollout.verdicts, store.clock.now());
  const { title, body } = rolloutSection({ events, status }, formats.context, 'rollout');
  const passed = newest.total - since - own.length;
  const versions = html`<p>${link(links.to('version', { model, version: status.candidate }), `@${status.candidate}`)} in place of ${link(links.to('version', { model, version: status.stable }), `@${status.stable}`)}</p>`;
  const page = html`${liveLead(versions)}${livePart('rollout', title, html`${passed > 0 && html`<p class="muted">Showing its beginning and its newest ${formats.count(own.length)} events; ${formats.count(passed)} between them are left out.</p>`}${body}`)}${
    earlier.events.length > 0 && livePart('earlier', 'Earlier rollouts', eventsPage(call, 'Earlier rollouts', { ...earlier, total: since - 1 }, { before, at: (older) => `${links.to('rollout', { model, before: older })}#earlier` }))
  }`;
  return { title: `Rollout of ${model}`, trail: [{ title: 'Rollouts', href: links.to('rollouts') }], body: page, live: links.to('live', { of: 'rollout', model }) };
}

function isOf({ data }: AuditEvent, rollout: string): boolean {
  return (data as RolloutEvent['data']).rollout === rollout;
}

import { html, type Html } from '../../report/markup/html.ts';
import type { ModelInfo } from '../../registry/model-info.ts';
import type { ModelVersion } from '../../registry/model-version.ts';
import type { UiCall } from '../call.ts';
import { part } from '../page/table.ts';
import { Refusal } from '../refusal.ts';
import { versionNumber } from './version-number.ts';

/** The form that promotes a version; none where nothing can be changed. */
export function promoteForm({ links, writeToken }: UiCall, { model, version, stage, retired }: ModelVersion): Html {
  if (writeToken === undefined || retired) return html``;
  const targets = (['production', 'staging', 'archived', 'none'] as const).filter((each) => each !== stage);
  return part(
    'promote',
    'Promote',
    html`<form class="change" action="${links.to('promote')}" method="post">
<input type="hidden" name="token" value="${writeToken}"><input type="hidden" name="model" value="${model}"><input type="hidden" name="version" value="${version}"><input type="hidden" name="from" value="${stage}">
<label>To <select name="stage">${targets.map((each) => html`<option>${each}</option>`)}</select></label>
<label class="wide">Reason <input name="reason" required maxlength="1000" autocomplete="off"></label>
<button>Promote @${version}</button></form>
<p class="muted">The gates before the stage are asked first; where one refuses, nothing is changed. Who, when and why stand in the history.</p>`,
  );
}

/** The form that brings the version before back; none where nothing can be changed, or there is none. */
export function rollbackForm({ links, writeToken }: UiCall, { name, production, rollbackTo }: ModelInfo): Html {
  if (writeToken === undefined || rollbackTo === undefined) return html``;
  return part(
    'rollback',
    'Roll back',
    html`<form class="change" action="${links.to('rollback')}" method="post">
<input type="hidden" name="token" value="${writeToken}"><input type="hidden" name="model" value="${name}"><input type="hidden" name="from" value="${production ?? ''}"><input type="hidden" name="to" value="${rollbackTo}">
<label class="wide">Reason <input name="reason" required maxlength="1000" autocomplete="off"></label>
<button>Bring @${rollbackTo} back to production</button></form>
<p class="muted">No gate is asked${production === undefined ? '' : `, and @${production} is archived`}. Who, when and why stand in the history.</p>`,
  );
}

/** Promotes a version. The stage that the reader saw it in must be the one that it is in. */
export async function promote({ store, query, links, signal }: UiCall, by: string): Promise<string> {
  const model = query.required('model');
  const version = versionNumber(query.required('version'));
  const stage = query.choice('stage', ['none', 'staging', 'production', 'archived']);
  const ref = `${model}@${version}`;
  const seen = query.required('from');
  const now = (await store.registry.getVersion(ref, { signal })).stage;
  if (now !== seen) throw new Refusal(409, `${ref} is in stage ${now} now, and was in ${seen} when the page was loaded.`, { advice: 'Go back, load the page anew, and decide by what it says now.' });
  await store.registry.promote(ref, stage, { by, reason: reasonOf(query.text('reason')), signal });
  return links.to('version', { model, version });
}

/** Brings the version back that the reader was shown. */
export async function rollback({ store, query, links, signal }: UiCall, by: string): Promise<string> {
  const model = query.required('model');
  const from = query.text('from');
  await store.registry.rollback(model, { by, reason: reasonOf(query.text('reason')), to: versionNumber(query.required('to')), ...(from !== undefined && { from: versionNumber(from) }), signal });
  return links.to('model', { name: model });
}

function reasonOf(text: string | undefined): string {
  const reason = text?.trim() ?? '';
  if (reason === '' || reason.length > 1000) throw new Refusal(400, 'A change needs a reason, of at most 1000 characters.', { advice: 'Go back and say why.' });
  return reason;
}

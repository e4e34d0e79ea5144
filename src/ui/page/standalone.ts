import { html } from '../../report/markup/html.ts';
import { reportScript, reportStyle } from '../../report/page/shell.ts';
import type { UiCall, UiPage } from '../call.ts';
import { seen } from './seen.ts';
import { uiStyle } from './style.ts';

/** What keeps a file from loading or sending anything, whatever its names are. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** A page as a file of its own, with the time at which it was so; `body` is markup that loads nothing. */
export function standalone({ title, trail }: Pick<UiPage, 'title' | 'trail'>, body: string, { store, formats }: Pick<UiCall, 'store' | 'formats'>): string {
  const { timeZone, timeElement } = formats.context;
  const head = html`<meta charset="utf-8"><meta http-equiv="content-security-policy" content="${policy}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${title} · modelkeep</title>`;
  const lead = html`<p class="trail">${trail.map((each, i) => html`${i > 0 && ' / '}<bdi>${seen(each.title)}</bdi>`)}</p>
<h1 dir="auto" title="${title}">${seen(title)}</h1>
<p class="muted">As of ${timeElement(store.clock.now())} ${timeZone}</p>`;
  return `<!doctype html>\n${html`<html lang="en" data-time-zone="${timeZone}">`.toString()}<head>${head.toString()}<style>${reportStyle()}\n${uiStyle}</style></head><body><main>${lead.toString()}\n${body}</main><script>${reportScript()}</script></body></html>\n`;
}

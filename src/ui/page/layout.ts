import { html } from '../../report/markup/html.ts';
import { reportStyle } from '../../report/page/shell.ts';
import type { UiPage } from '../call.ts';
import type { Links } from '../links.ts';
import { uiScript } from './script.ts';
import { uiStyle } from './style.ts';
import { seen } from './seen.ts';

/** What stands around a page. */
export interface LayoutParts {
  readonly page: UiPage;
  readonly links: Links;
  /** Allows our own style and script, and no others. */
  readonly nonce: string;
  /** The page of the navigation that this one belongs to. */
  readonly current?: string | undefined;
  /** Where the page is as a file; absent where it can be none. */
  readonly exportHref?: string | undefined;
  /** The time zone of the page's times. */
  readonly timeZone: string;
}

/** The pages that can be reached from everywhere, in the order of a model's life. */
const navigation: readonly (readonly [page: string, title: string])[] = [
  ['runs', 'Runs'],
  ['models', 'Models'],
  ['features', 'Features'],
  ['pipelines', 'Pipelines'],
  ['monitors', 'Monitors'],
  ['rollouts', 'Rollouts'],
  ['tests', 'A/B tests'],
];

/** A whole document, in the style of the reports. */
export function layout({ page, links, nonce, current, exportHref, timeZone }: LayoutParts): string {
  const { title, trail, body, live } = page;
  const head = html`<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${title} · modelkeep</title><link rel="icon" href="data:,">`;
  const content = html`<a class="skip" href="#main">Skip to the content</a>
<header class="top"><a class="home" href="${links.to('runs')}">modelkeep</a>
<nav aria-label="Parts of the store">${navigation.map(([to, name]) => html`<a href="${links.to(to)}"${to === current && html` aria-current="page"`}>${name}</a>`)}</nav></header>
<main id="main" tabindex="-1"${live !== undefined && html` data-live="${live}"`}>
${trail.length > 0 && html`<nav class="trail" aria-label="Where this is">${trail.map((each, i) => html`${i > 0 && html`<span aria-hidden="true"> / </span>`}<a href="${each.href}" title="${each.title}"><bdi>${seen(each.title)}</bdi></a>`)}</nav>`}
<div class="title"><h1 dir="auto" title="${title}">${seen(title)}</h1>${exportHref !== undefined && html`<a class="button" href="${exportHref}" download title="This page as one HTML file that loads nothing">Export</a>`}</div>
${live !== undefined && html`<p class="live-status" role="status" data-live-status></p>`}
${body}
</main>`;
  // Style and script are our own, so that they are put in as they are.
  const style = `<style nonce="${nonce}">${reportStyle()}\n${uiStyle}</style>`;
  return `<!doctype html>\n${html`<html lang="en" data-time-zone="${timeZone}">`.toString()}<head>${head.toString()}${style}</head><body>${content.toString()}<script nonce="${nonce}">${uiScript}</script></body></html>\n`;
}

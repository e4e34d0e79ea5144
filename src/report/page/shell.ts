import { html, type Html } from '../markup/html.ts';
import { chartStyle } from '../svg/chart-style.ts';
import { clientScript } from './client-script.ts';
import { pageStyle } from './page-style.ts';
import type { Section } from './section.ts';

/** Where a page has its style and its script from: in itself, or from URLs, for hosts that allow no inline ones. */
export type PageAssets = 'inline' | LinkedAssets;

/** URLs of the files of a page. */
export interface LinkedAssets {
  /** URL of what `reportStyle` gives. */
  readonly style: string;
  /** URL of what `reportScript` gives. */
  readonly script: string;
}

/** What a page is made of. */
export interface PageParts {
  readonly title: string;
  /** What stands under the title. */
  readonly lead?: Html | undefined;
  readonly sections: readonly Section[];
  /** Links above the title; by default to the sections, where there are several. */
  readonly nav?: Html | undefined;
  /** What stands at the end. */
  readonly footer?: Html | undefined;
  /** Language of the texts. @default 'en' */
  readonly lang?: string | undefined;
  readonly timeZone?: string | undefined;
  /** @default 'inline' */
  readonly assets?: PageAssets | undefined;
  /** Further styles, trusted: they are put in as they are. */
  readonly styles?: readonly string[] | undefined;
  /** Further scripts, trusted: they are put in as they are. */
  readonly scripts?: readonly string[] | undefined;
}

/** A whole HTML document. The same parts give the same text. */
export function page(parts: PageParts): string {
  const { title, lead, sections, lang = 'en', timeZone = 'UTC', assets = 'inline', styles = [], scripts = [], footer } = parts;
  const nav = parts.nav ?? (sections.length > 1 ? navOf(sections) : undefined);
  const head = html`<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${title}</title>`;
  const style = assets === 'inline' ? `<style>${[reportStyle(), ...styles].join('\n')}</style>` : html`<link rel="stylesheet" href="${assets.style}">`.toString() + styles.map((each) => `<style>${each}</style>`).join('');
  const script = assets === 'inline' ? `<script>${[clientScript, ...scripts].join('\n')}</script>` : html`<script src="${assets.script}" defer></script>`.toString() + scripts.map((each) => `<script>${each}</script>`).join('');
  const body = html`<a class="skip" href="#content">Skip to the content</a><header><h1><bdi>${title}</bdi></h1>${lead}${nav}</header><main id="content">${sections.map(sectionElement)}</main>${footer && html`<footer>${footer}</footer>`}`;
  const root = html`<html lang="${lang}" data-time-zone="${timeZone}">`.toString();
  return `<!doctype html>\n${root}<head>${head.toString()}${style}</head><body>${body.toString()}${script}</body></html>\n`;
}

/**
 * The style of pages and the pictures in them, as a file for hosts that allow no inline style.
 *
 * @example
 * ```ts
 * import { renderReport, reportStyle } from 'modelkeep/report';
 *
 * const page = renderReport({ charts: [] }, { assets: { style: '/report.css', script: '/report.js' } });
 * console.log(page.includes('<style'), reportStyle().includes('prefers-color-scheme')); // false true
 * ```
 */
export function reportStyle(): string {
  return `${pageStyle}\n${chartStyle}`;
}

/**
 * The script of pages, as a file for hosts that allow no inline script. It sorts and filters tables, tells values in pictures, and draws lines in other ways.
 *
 * @example
 * ```ts
 * import { reportScript } from 'modelkeep/report';
 *
 * const answer = new Response(reportScript(), { headers: { 'content-type': 'text/javascript' } });
 * console.log(answer.ok); // true
 * ```
 */
export function reportScript(): string {
  return clientScript;
}

function navOf(sections: readonly Section[]): Html {
  return html`<nav aria-label="Sections"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}"><bdi>${title}</bdi></a></li>`)}</ul></nav>`;
}

function sectionElement({ id, title, body }: Section): Html {
  return html`<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading"><bdi>${title}</bdi></h2>${body}</section>`;
}

import { html, type Html } from '../../report/markup/html.ts';
import { seen } from './seen.ts';

/** The place of a chart that is loaded when it comes into view; without script, a link to its page. */
export function lazyChart({ href, part, title }: { readonly href: string; readonly part: string; readonly title: string }): Html {
  return html`<div class="lazy" data-part="${part}"><a href="${href}"><bdi>${seen(title)}</bdi></a></div>`;
}

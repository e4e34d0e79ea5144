import type { TextPage } from './page.ts';

/** A part of a text under its title; nothing where it has nothing. */
export function titled(title: string, body: string, page: TextPage): string {
  return body === '' ? '' : `${page.style('head', title)}\n${body}`;
}

import { html, type Html } from '../markup/html.ts';

/** A state in a word; its colour only repeats that. */
export interface Badge {
  readonly text: string;
  readonly tone: 'good' | 'bad' | 'warn' | 'plain';
}

const signs = { good: '✓', bad: '✕', warn: '!', plain: '' } as const;

/** A state as a page shows it. */
export function badge({ text, tone }: Badge): Html {
  return html`<span class="badge ${tone}">${signs[tone] && html`<span aria-hidden="true">${signs[tone]} </span>`}${text}</span>`;
}

/** Something that is known: its name, and what it is. */
export type Fact = readonly [name: string, value: Html | string];

/** Things that are known, as a list. */
export function facts(list: readonly Fact[]): Html {
  return html`<dl class="facts">${list.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Sentences in a cell of a table, in their own direction. */
export function prose(text: Html | string): Html {
  return html`<span class="prose" dir="auto">${text}</span>`;
}

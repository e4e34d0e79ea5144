/** Markup whose every text is escaped; made by {@link html} alone, so that nothing that a user named can become an element. */
export class Html {
  readonly #markup: string;

  constructor(parts: TemplateStringsArray, values: readonly HtmlValue[]) {
    this.#markup = parts.reduce((before, part, i) => before + markupOf(values[i - 1]) + part);
  }

  toString(): string {
    return this.#markup;
  }
}

/** What may stand in a template: texts are escaped, lists are joined, what is undefined, null or false is left out. */
export type HtmlValue = Html | string | number | boolean | null | undefined | readonly HtmlValue[];

/** Markup of HTML or SVG. Attribute values stand in double quotes: html`<a href="${url}">${name}</a>`. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return new Html(parts, values);
}

/** A text as it stands in markup and in quoted attributes. What XML cannot hold at all (controls, lone surrogates) becomes U+FFFD. */
function escapeMarkup(text: string): string {
  return text
    .replace(/[\p{Surrogate}\uFFFE\uFFFF]|(?![\t\n\r])[\0-\x1F]/gu, '\uFFFD')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function markupOf(value: HtmlValue): string {
  if (value === undefined || value === null || value === false || value === true) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(markupOf).join('');
  return escapeMarkup(String(value));
}

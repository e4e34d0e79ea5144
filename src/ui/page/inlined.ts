/** What is put into a page in the place of addresses. */
export interface InlinedFrom {
  /** The piece of a page at an address, as markup. */
  readonly fragment: (address: string) => Promise<string>;
  /** The picture at an address, as a `data:` URL. */
  readonly picture: (address: string) => Promise<string>;
}

/**
 * The markup of a page that loads nothing and leads nowhere: charts and pictures stand in it, links are their texts, and what asks a server for something is left out. All texts in the markup are escaped, so that what looks like an
 * element is one of our own.
 */
export async function inlined(markup: string, from: InlinedFrom): Promise<string> {
  const still = markup
    .replace(/<form class="(?:choices|change)"[^]*?<\/form>/g, '')
    .replace(/<p class="actions">[^]*?<\/p>/g, '')
    .replace(/<details id="columns">[^]*?<\/details>/g, '')
    .replace(/<\/?form\b[^>]*>/g, '');
  const charts = await replaceEach(still, /<div class="lazy" data-part="([^"]*)">[^]*?<\/div>/g, async (address) => `<div class="lazy loaded">${await from.fragment(address)}</div>`);
  const pictures = await replaceEach(charts, /(?<=<img class="picture" src=")([^"]*)/g, from.picture);
  return pictures.replace(/<a\b([^>]*)>([^]*?)<\/a>/g, (whole, attributes: string, text: string) => (/ href="#/.test(attributes) ? whole : `<span${attributes.replace(/ (?:href|rel|download)(?:="[^"]*")?/g, '')}>${text}</span>`));
}

/** Replaces what a pattern finds, one after the other: charts of a large page would not fit into memory all at once. */
async function replaceEach(text: string, pattern: RegExp, by: (address: string) => Promise<string>): Promise<string> {
  const pieces: string[] = [];
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    pieces.push(text.slice(end, found.index), await by(unescaped(found[1]!)));
    end = found.index + found[0].length;
  }
  return [...pieces, text.slice(end)].join('');
}

function unescaped(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}

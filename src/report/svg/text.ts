/** Width of a text in a proportional font, in pixels; about 10 % true, on the wide side. */
export function textWidth(text: string, size: number): number {
  let ems = 0;
  for (const character of text) ems += emsOf(character);
  return ems * size;
}

/** A text cut to a width, with an ellipsis where something is missing. */
export function truncated(text: string, width: number, size: number): string {
  if (text.length * size * 0.28 < width && textWidth(text, size) <= width) return text;
  let ems = emsOf('…');
  let kept = '';
  for (const character of text) {
    ems += emsOf(character);
    if (ems * size > width) break;
    kept += character;
  }
  return `${kept}…`;
}

function emsOf(character: string): number {
  if (/[il.,:;'|!\[\]()/ jtfrI]/.test(character)) return 0.41;
  if (/[mwMW%@]/.test(character)) return 0.98;
  if (/[=+<>~^]/.test(character)) return 0.84;
  if (/[a-z0-9_\-?*"]/.test(character)) return 0.64;
  if (/[\u1100-\u115f\u2e80-\uffef]|[\u{1f000}-\u{3ffff}]/u.test(character)) return 1.05;
  return 0.72;
}

/** A name as it stands in a sentence: the beginning of a very long one. */
export function shortName(name: string): string {
  const characters = [...name];
  return characters.length > 60 ? `${characters.slice(0, 59).join('')}…` : name;
}

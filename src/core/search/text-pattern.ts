const surrogate = /[\ud800-\udfff]/;

/**
 * Whether texts are like a pattern in which `%` stands for any characters and `_` for one (a code point); everything else, `\` and what regular expressions make of `.` or `*` included, stands for itself. The parts between the `%` are
 * looked for one after the other from the left, which never has to go back: a text costs its length times, at worst, that of a part.
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  const parts = pattern.split('%');
  if (parts.length === 1) return pattern.includes('_') ? isAlike(pattern) : (text) => text === pattern;
  return pattern.includes('_') ? withWildcards(parts.map((part) => Array.from(part))) : withoutWildcards(parts);
}

function isAlike(pattern: string): (text: string) => boolean {
  const part = Array.from(pattern);
  return (text) => {
    const characters = charactersOf(text);
    return characters.length === part.length && matchesAt(characters, part, 0);
  };
}

function withoutWildcards(parts: readonly string[]): (text: string) => boolean {
  const [first, last, between] = [parts[0]!, parts[parts.length - 1]!, parts.slice(1, -1)];
  return (text) => {
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const part of between) {
      const found = text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= end;
  };
}

function withWildcards(parts: readonly (readonly string[])[]): (text: string) => boolean {
  const [first, last, between] = [parts[0]!, parts[parts.length - 1]!, parts.slice(1, -1)];
  return (text) => {
    const characters = charactersOf(text);
    const end = characters.length - last.length;
    if (end < first.length || !matchesAt(characters, first, 0) || !matchesAt(characters, last, end)) return false;
    let at = first.length;
    for (const part of between) {
      while (at + part.length <= end && !matchesAt(characters, part, at)) at++;
      at += part.length;
      if (at > end) return false;
    }
    return true;
  };
}

/** By code points; a text without surrogates is its own list of them. */
function charactersOf(text: string): ArrayLike<string> {
  return surrogate.test(text) ? Array.from(text) : text;
}

function matchesAt(characters: ArrayLike<string>, part: readonly string[], at: number): boolean {
  for (let i = 0; i < part.length; i++) if (part[i] !== '_' && part[i] !== characters[at + i]) return false;
  return true;
}

const escapes: Readonly<Record<string, string>> = {
  '0': '\0', a: '\x07', b: '\b', t: '\t', n: '\n', v: '\v', f: '\f', r: '\r', e: '\x1b', ' ': ' ', '"': '"', '/': '/', '\\': '\\', N: '\x85', _: '\xa0', L: '\u2028', P: '\u2029',
};
const hexDigits: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** The scalar in quotes that begins at `at`, and where it ends; or what is wrong with it. */
export function readQuoted(source: string, at: number): { text: string; end: number } | string {
  const quote = source[at]!;
  const parts: string[] = [];
  let from = at + 1;
  for (let i = from; i < source.length; ) {
    const next = source[i]!;
    if (next === quote) {
      if (quote === '"' || source[i + 1] !== "'") return { text: parts.join('') + source.slice(from, i), end: i + 1 };
      parts.push(source.slice(from, i + 1));
      from = i += 2;
    } else if (next === '\n' || next === '\r') {
      const fold = /^[ \t\r\n]*/.exec(source.slice(i))![0];
      parts.push(withoutBlanksBehind(source.slice(from, i)), folded(fold));
      from = i += fold.length;
    } else if (next === '\\' && quote === '"') {
      const found = readEscape(source, i + 1);
      if (found === undefined) return `has the escape '\\${source[i + 1] ?? ''}', which is none`;
      parts.push(source.slice(from, i), found.text);
      from = i = found.end;
    } else i++;
  }
  return 'ends before its closing quote';
}

/** A text without the spaces and tabs at its end. A regular expression would look at each run of spaces again and again. */
export function withoutBlanksBehind(text: string): string {
  let end = text.length;
  while (end > 0 && ' \t\r'.includes(text[end - 1]!)) end--;
  return text.slice(0, end);
}

function readEscape(source: string, at: number): { text: string; end: number } | undefined {
  const kind = source[at] ?? '';
  if (kind === '\n' || kind === '\r') return { text: '', end: at + /^\r?\n?[ \t]*/.exec(source.slice(at))![0].length };
  const simple = escapes[kind];
  if (simple !== undefined) return { text: simple, end: at + 1 };
  const digits = hexDigits[kind];
  const hex = source.slice(at + 1, at + 1 + (digits ?? 0));
  if (digits === undefined || !/^[0-9a-fA-F]+$/.test(hex) || hex.length !== digits || parseInt(hex, 16) > 0x10ffff) return undefined;
  return { text: String.fromCodePoint(parseInt(hex, 16)), end: at + 1 + digits };
}

/** A line break is a space, and each further one a line break. */
function folded(blank: string): string {
  const breaks = blank.split('\n').length - 1;
  return breaks > 1 ? '\n'.repeat(breaks - 1) : ' ';
}

/** The literal (`|`) or folded (`>`) scalar whose header is at `at`, within something indented by `parent`, and where it ends. */
export function readBlockScalar(source: string, at: number, parent: number): { text: string; end: number } {
  const header = /^([|>])([-+]?)(\d?)([-+]?)[^\n]*(?:\n|$)/.exec(source.slice(at))!;
  const chomp = header[2] || header[4];
  let indent = header[3] ? Math.max(parent, 0) + Number(header[3]) : -1;
  const lines: string[] = [];
  let end = at + header[0].length;
  while (end < source.length) {
    const stop = source.indexOf('\n', end);
    const line = source.slice(end, stop < 0 ? source.length : stop).replace(/\r$/, '');
    const depth = /^ */.exec(line)![0].length;
    if (line.trim() !== '') {
      if (indent < 0) indent = depth;
      if (depth < indent || depth <= parent) break;
    }
    lines.push(indent < 0 ? '' : line.slice(indent));
    end = stop < 0 ? source.length : stop + 1;
  }
  let content = lines.length;
  while (content > 0 && lines[content - 1]!.trim() === '') content--;
  const kept = lines.slice(0, content);
  const text = header[1] === '|' ? kept.join('\n') : foldLines(kept);
  const tail = chomp === '-' || kept.length === 0 ? '' : '\n';
  return { text: text + tail + (chomp === '+' ? '\n'.repeat(lines.length - content) : ''), end };
}

function foldLines(lines: readonly string[]): string {
  let text = '';
  let breaks = 0;
  let before: string | undefined;
  for (const line of lines) {
    if (line === '') {
      breaks++;
      continue;
    }
    if (before !== undefined) {
      const isKept = /^[ \t]/.test(line) || /^[ \t]/.test(before);
      text += isKept ? '\n'.repeat(breaks + 1) : breaks > 0 ? '\n'.repeat(breaks) : ' ';
    } else text += '\n'.repeat(breaks);
    text += line;
    breaks = 0;
    before = line;
  }
  return text;
}

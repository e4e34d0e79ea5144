import { utf8 } from '../../core/bytes.ts';
import { IntegrityError } from '../../core/errors.ts';
import { readBlockScalar, readQuoted, withoutBlanksBehind } from './yaml-scalar-text.ts';

/** A scalar as it is written: what it means depends on who wrote it. */
export interface YamlScalar {
  /** The text, without quotes and with escapes and folds resolved. */
  readonly text: string;
  /** Whether it stands without quotes, so that it may be a number, a truth value or nothing. */
  readonly plain: boolean;
}

/** What YAML can say, in the part of it that is read here. */
export type YamlNode = YamlScalar | readonly YamlNode[] | ReadonlyMap<string, YamlNode>;

const deepest = 100;

/**
 * Reads the YAML that trackers write: block and flow mappings and sequences, and all five kinds of scalars, over several lines too; the first document. Anchors, aliases, tags and complex keys are not read. Throws `IntegrityError` that
 * names the file, and has `offset` (bytes) in its details, for these and for what is no YAML. Nothing at all is an empty scalar.
 */
export function parseYaml(text: string, name: string): YamlNode {
  return new YamlReader(text.startsWith('\ufeff') ? text.slice(1) : text, name).document();
}

class YamlReader {
  readonly #text: string;
  readonly #name: string;
  #at = 0;
  #depth = 0;

  constructor(text: string, name: string) {
    this.#text = text;
    this.#name = name;
  }

  document(): YamlNode {
    while (this.#text.startsWith('%', this.#at)) this.#at = this.#lineEnd() + 1;
    this.#skipBlank();
    if (this.#isMarker('---')) {
      this.#at += 3;
      this.#skipBlank();
    }
    if (this.#ends()) return nothing;
    const node = this.#node(-1);
    this.#skipBlank();
    if (!this.#ends()) throw this.#fault('does not continue what stands before it');
    return node;
  }

  /** What begins here; it goes on over lines that are indented by more than `parent`. */
  #node(parent: number): YamlNode {
    if (++this.#depth > deepest) throw this.#fault(`is nested more than ${deepest} deep`);
    const node = this.#isDash() ? this.#sequence(this.#column()) : this.#keyEnd() >= 0 ? this.#mapping(this.#column()) : this.#value(parent);
    this.#depth--;
    return node;
  }

  #sequence(column: number): YamlNode[] {
    const items: YamlNode[] = [];
    while (!this.#ends() && this.#column() === column && this.#isDash()) {
      this.#at++;
      this.#skipSpaces();
      const line = this.#lineStart();
      this.#skipBlank();
      const here = this.#lineStart() === line;
      items.push(!this.#ends() && (here || this.#column() > column) ? this.#node(column) : nothing);
      this.#skipBlank();
    }
    if (!this.#ends() && this.#column() > column) throw this.#fault('is indented as nothing before it');
    return items;
  }

  #mapping(column: number): ReadonlyMap<string, YamlNode> {
    const entries = new Map<string, YamlNode>();
    while (!this.#ends() && this.#column() === column) {
      const end = this.#keyEnd();
      if (end < 0 || this.#isDash()) throw this.#fault("is no 'key: value'");
      const key = this.#key(end);
      if (entries.has(key)) throw this.#fault(`follows a second '${key}'`);
      this.#skipSpaces();
      const line = this.#lineStart();
      this.#skipBlank();
      const here = this.#lineStart() === line;
      const below = !this.#ends() && (this.#column() > column || (this.#column() === column && this.#isDash()));
      entries.set(key, here && !this.#ends() ? this.#value(column) : below ? this.#node(column) : nothing);
      this.#skipBlank();
    }
    if (!this.#ends() && this.#column() > column) throw this.#fault('is indented as nothing before it');
    return entries;
  }

  #value(parent: number): YamlNode {
    const first = this.#text[this.#at]!;
    if (first === '[' || first === '{') return this.#flow();
    if (first === '"' || first === "'") return this.#quoted();
    if (first === '|' || first === '>') {
      const { text, end } = readBlockScalar(this.#text, this.#at, parent);
      this.#at = end;
      return { text, plain: false };
    }
    if ('&*!?@`%'.includes(first) && !(first === '?' && /\S/.test(this.#text[this.#at + 1] ?? ' '))) throw this.#fault(`begins with '${first}', which is not read here`);
    return this.#plain(parent);
  }

  /** A plain scalar, with the lines below that are indented by more than `parent`; a line break in it is a space, each empty line a line break. */
  #plain(parent: number): YamlScalar {
    let text = this.#plainLine();
    for (;;) {
      const back = this.#at;
      const breaks = this.#skipLines();
      if (breaks === 0 || this.#ends() || this.#column() <= parent || this.#text[this.#at] === '#' || this.#keyEnd() >= 0) {
        this.#at = back;
        return { text, plain: true };
      }
      text += (breaks > 1 ? '\n'.repeat(breaks - 1) : ' ') + this.#plainLine();
    }
  }

  #plainLine(): string {
    const end = this.#lineEnd();
    const line = this.#text.slice(this.#at, end);
    const comment = /[ \t]#/.exec(line);
    this.#at += comment ? comment.index : line.length;
    return withoutBlanksBehind(comment ? line.slice(0, comment.index) : line);
  }

  #quoted(): YamlScalar {
    const found = readQuoted(this.#text, this.#at);
    if (typeof found === 'string') throw this.#fault(found);
    this.#at = found.end;
    let next = this.#at;
    while (this.#text[next] === ' ' || this.#text[next] === '\t') next++;
    if (!'\r\n#,]}:'.includes(this.#text[next] ?? '\n')) throw this.#fault('has something behind its closing quote');
    return { text: found.text, plain: false };
  }

  #flow(): YamlNode {
    if (++this.#depth > deepest) throw this.#fault(`is nested more than ${deepest} deep`);
    const close = this.#text[this.#at++] === '[' ? ']' : '}';
    const items: YamlNode[] = [];
    const entries = new Map<string, YamlNode>();
    for (this.#skipBlank(); this.#text[this.#at] !== close; this.#skipBlank()) {
      if (this.#at >= this.#text.length) throw this.#fault(`ends before its '${close}'`);
      const item = this.#flowItem();
      this.#skipBlank();
      if (close === '}') {
        if (!('text' in item)) throw this.#fault('is no key');
        if (this.#text[this.#at] === ':') this.#at++;
        this.#skipBlank();
        if (entries.has(item.text)) throw this.#fault(`follows a second '${item.text}'`);
        entries.set(item.text, ',}'.includes(this.#text[this.#at] ?? ',') ? nothing : this.#flowItem());
        this.#skipBlank();
      } else items.push(item);
      if (this.#text[this.#at] === ',') this.#at++;
      else if (this.#text[this.#at] !== close) throw this.#fault(`stands where ',' or '${close}' belongs`);
    }
    this.#at++;
    this.#depth--;
    return close === ']' ? items : entries;
  }

  #flowItem(): YamlNode {
    const first = this.#text[this.#at]!;
    if (first === '[' || first === '{') return this.#flow();
    if (first === '"' || first === "'") return this.#quoted();
    if ('&*!'.includes(first)) throw this.#fault(`begins with '${first}', which is not read here`);
    const stop = /[,[\]{}]|:(?=[ \t\r\n,\]}])|[ \t\n]#|$/g;
    stop.lastIndex = this.#at;
    const end = stop.exec(this.#text)!.index;
    if (end === this.#at) throw this.#fault('is no value');
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    const lines = text.split('\n').map((line) => withoutBlanksBehind(line.replace(/^[ \t\r]+/, '')));
    return { text: lines.filter((line) => line !== '').join(' '), plain: true };
  }

  /** Where the key ends that begins here; -1 where none does. */
  #keyEnd(): number {
    const first = this.#text[this.#at];
    if (first === '"' || first === "'") {
      const found = readQuoted(this.#text, this.#at);
      if (typeof found === 'string' || found.end > this.#lineEnd()) return -1;
      return /^[ \t]*:(?:[ \t]|$)/.test(this.#text.slice(found.end, this.#lineEnd())) ? found.end : -1;
    }
    if (first === undefined || '[{|>&*!#@`%'.includes(first)) return -1;
    const line = this.#text.slice(this.#at, this.#lineEnd());
    const found = /:(?:[ \t]|$)|[ \t]#/.exec(line);
    return found === null || line[found.index] !== ':' ? -1 : this.#at + found.index;
  }

  #key(end: number): string {
    const raw = this.#text.slice(this.#at, end);
    const isQuoted = raw.startsWith('"') || raw.startsWith("'");
    const key = isQuoted ? readQuoted(this.#text, this.#at) : { text: withoutBlanksBehind(raw) };
    this.#at = this.#text.indexOf(':', end) + 1;
    return (key as { text: string }).text;
  }

  #isDash(): boolean {
    return this.#text[this.#at] === '-' && /[ \t\r\n]|^$/.test(this.#text[this.#at + 1] ?? '');
  }

  #isMarker(marker: string): boolean {
    return this.#text.startsWith(marker, this.#at) && this.#column() === 0 && /[ \t\r\n]|^$/.test(this.#text[this.#at + 3] ?? '');
  }

  #ends(): boolean {
    return this.#at >= this.#text.length || this.#isMarker('---') || this.#isMarker('...');
  }

  #lineStart(): number {
    return this.#text.lastIndexOf('\n', this.#at - 1) + 1;
  }

  #lineEnd(): number {
    const end = this.#text.indexOf('\n', this.#at);
    const at = end < 0 ? this.#text.length : end;
    return at > this.#at && this.#text[at - 1] === '\r' ? at - 1 : at;
  }

  #column(): number {
    return this.#at - this.#lineStart();
  }

  #skipSpaces(): void {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
  }

  /** Goes to the next character of a line below; says how many line breaks there were. */
  #skipLines(): number {
    let breaks = 0;
    for (let next = this.#text[this.#at]; next === ' ' || next === '\t' || next === '\r' || next === '\n'; next = this.#text[++this.#at]) if (next === '\n') breaks++;
    return breaks;
  }

  #skipBlank(): void {
    for (;;) {
      this.#skipLines();
      const before = this.#text[this.#at - 1];
      if (this.#text[this.#at] !== '#' || (before !== undefined && !/[ \t\r\n]/.test(before))) return;
      this.#at = this.#lineEnd();
    }
  }

  #fault(what: string): IntegrityError {
    const offset = utf8(this.#text.slice(0, this.#at)).length;
    const line = this.#text.slice(0, this.#at).split('\n').length;
    return new IntegrityError(`${this.#name} cannot be read as YAML: what stands in line ${line}, column ${this.#column() + 1}, ${what}.`, { key: this.#name, offset });
  }
}

const nothing: YamlScalar = { text: '', plain: true };

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { root } from './project.ts';

/** A fenced TypeScript block of a Markdown text. */
export interface CodeBlock {
  readonly code: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** The part of a file that the block is a copy of, from the comment above it: `<!-- examples/a/main.ts#train -->`. */
  readonly region?: Region;
}

export interface Region {
  readonly file: string;
  readonly name: string;
}

const fenced = /^(?:[ \t]*<!--[ \t]*(?<file>[^\s#]+)#(?<name>[\w-]+)[ \t]*-->[ \t]*\n)?(?<indent>[ \t]*)```(?:ts|typescript)\b[^\n]*\n(?<code>[\s\S]*?)^\k<indent>```[ \t]*$/gm;

export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(fenced)].map((match) => {
    const { file, name, code = '' } = match.groups ?? {};
    const line = markdown.slice(0, match.index).split('\n').length + (file === undefined ? 0 : 1);
    return { code: dedent(code), line, ...(file !== undefined && name !== undefined && { region: { file, name } }) };
  });
}

/** The Markdown text with every marked block rewritten from the file it names. */
export function withRegions(markdown: string): string {
  return markdown.replace(fenced, (whole: string, ...rest: unknown[]) => {
    const { file, name, indent = '', code = '' } = rest.at(-1) as Partial<Record<string, string>>;
    if (file === undefined || name === undefined) return whole;
    const end = whole.lastIndexOf(`${indent}\`\`\``);
    return whole.slice(0, end - code.length) + indented(readRegion({ file, name }), indent) + whole.slice(end);
  });
}

/** The lines between `// #region name` and `// #endregion name`, dedented, without the marks of other regions. */
export function readRegion({ file, name }: Region): string {
  if (!existsSync(root + file)) throw new Error(`${file}#${name}: there is no such file.`);
  const lines = readFileSync(root + file, 'utf8').split('\n');
  const mark = (kind: string) => lines.findIndex((line) => line.trim() === `// #${kind} ${name}`);
  const [start, end] = [mark('region'), mark('endregion')];
  if (start === -1 || end < start) throw new Error(`${file} has no "// #region ${name}" … "// #endregion ${name}".`);
  return dedent(
    lines
      .slice(start + 1, end)
      .filter((line) => !/^\s*\/\/ #(end)?region /.test(line))
      .join('\n'),
  );
}

/** README.md and everything in docs. */
export function markdownFiles(): string[] {
  const docs = existsSync(`${root}docs`) ? readdirSync(`${root}docs`, { recursive: true, encoding: 'utf8' }) : [];
  const pages = docs.filter((file) => file.endsWith('.md')).map((file) => `docs/${file.replaceAll('\\', '/')}`);
  return existsSync(`${root}README.md`) ? ['README.md', ...pages.sort()] : pages.sort();
}

function dedent(text: string): string {
  const lines = text.split('\n');
  const margin = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length));
  return `${lines.map((line) => line.slice(margin).trimEnd()).join('\n').replace(/^\n+|\n+$/g, '')}\n`;
}

function indented(text: string, indent: string): string {
  return text.replace(/^(?=.)/gm, indent);
}

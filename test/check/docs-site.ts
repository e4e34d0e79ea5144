import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inflateSync } from 'node:zlib';
import * as yaml from 'yaml';
import * as z from 'zod';
import { markdownFiles } from './code-blocks.ts';
import { packageJson, root } from './project.ts';
import { runTool } from './run-tool.ts';

/** The groups of the guides, in the order in which the navigation and llms.txt have them. */
export const groups = ['Start', 'Track and train', 'Features', 'Pipelines', 'Models', 'Serve and roll out', 'Watch', 'Operate', 'Build on it'] as const;

const { name, description } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { name: string; description: string };
const llmsHead = `# ${name}\n\n> ${description}\n`;

const frontMatter = z.strictObject({
  title: z.string().min(1),
  group: z.enum(groups),
  /** Where it stands in its group. */
  order: z.int().positive(),
  /** What it is about, in one line. */
  description: z.string().min(1),
});

export interface Guide extends z.infer<typeof frontMatter> {
  /** `docs/serving.md` */
  readonly file: string;
  /** The text below the front matter. */
  readonly markdown: string;
}

/** Every guide of docs/, in the order of the site; throws for one that does not say what it is. */
export function readGuides(): Guide[] {
  const guides = markdownFiles().filter((file) => file.startsWith('docs/')).map((file) => readGuide(file, readFileSync(root + file, 'utf8')));
  return guides.sort((a, b) => groups.indexOf(a.group) - groups.indexOf(b.group) || a.order - b.order || (a.file < b.file ? -1 : 1));
}

/** The guide that the text of a file is. */
export function readGuide(file: string, text: string): Guide {
  const [whole = '', head] = /^---\n([\s\S]*?)\n---\n+/.exec(text) ?? [];
  const parsed = frontMatter.safeParse(head === undefined ? {} : yaml.parse(head));
  if (!parsed.success) throw new Error(`${file} must begin with front matter that says title, group (one of ${groups.join(', ')}), order and description:\n${z.prettifyError(parsed.error)}`);
  return { ...parsed.data, file, markdown: text.slice(whole.length) };
}

/** A part of the navigation of a site, as TypeDoc writes it. */
export interface NavigationPart {
  readonly text: string;
  readonly path?: string;
  readonly children?: readonly NavigationPart[];
}

/** The navigation of a site that was built: the groups, then the guides and entries in each. */
export function readNavigation(directory: string): NavigationPart[] {
  return readAsset(directory, 'navigation') as NavigationPart[];
}

/** What TypeDoc keeps for its scripts: JSON, deflated, in base 64. */
export function readAsset(directory: string, asset: 'navigation' | 'search'): unknown {
  const [, packed] = /"([^"]+)"/.exec(readFileSync(posix.join(directory, `assets/${asset}.js`), 'utf8')) ?? [];
  if (packed === undefined) throw new Error(`assets/${asset}.js has no data.`);
  return JSON.parse(inflateSync(Buffer.from(packed, 'base64')).toString('utf8'));
}

/** Builds the site: the reference of every entry, all guides, llms.txt and llms-full.txt. A warning of TypeDoc is an error. Needs no network. */
export async function buildSite(directory: string): Promise<readonly Guide[]> {
  const guides = readGuides();
  await runTool('typedoc', 'typedoc', ['--out', directory, ...[...groups, 'Modules', '*'].flatMap((group) => ['--groupOrder', group]), ...guides.flatMap(({ file }) => ['--projectDocuments', file])]);
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'))) {
    const page = posix.join(directory, file);
    writeFileSync(page, accessible(readFileSync(page, 'utf8')));
  }
  writeFileSync(posix.join(directory, 'llms.txt'), llmsText(guides, readNavigation(directory)));
  writeFileSync(posix.join(directory, 'llms-full.txt'), `${llmsHead}\n${guides.map(({ markdown }) => markdown.trim()).join('\n\n---\n\n')}\n`);
  return guides;
}

/** A page of TypeDoc with what it does not say to those who use it by ear or keyboard: which part is the main one, and that a wide table scrolls. */
function accessible(page: string): string {
  return page
    .replace('<div class="col-content">', '<div class="col-content" role="main">')
    .replace('<div class="page-menu">', '<div class="page-menu" role="complementary" aria-label="Settings, and what is on this page">')
    .replaceAll('<table>', '<div class="table" role="group" tabindex="0" aria-label="Table"><table>')
    .replaceAll('</table>', '</table></div>');
}

/** The list of https://llmstxt.org: titles, links and one line for each guide and entry. */
function llmsText(guides: readonly Guide[], navigation: readonly NavigationPart[]): string {
  const parts = groups.map((group) => {
    const pages = new Map(navigation.find(({ text }) => text === group)?.children?.map(({ text, path = '' }) => [text, path]));
    const lines = guides.filter((guide) => guide.group === group).map(({ title, description: about }) => `- [${title}](${pages.get(title)}): ${about}`);
    return `## ${group}\n\n${lines.join('\n')}\n`;
  });
  const entries = Object.keys(packageJson.exports).filter((path) => path !== './package.json').map((path) => {
    const module = path === '.' ? 'index' : path.slice(2);
    return `- [${name}${path.slice(1)}](modules/${module}.html)`;
  });
  return [llmsHead, 'All guides in one text: [llms-full.txt](llms-full.txt).\n', ...parts, `## Reference\n\n${entries.join('\n')}\n`].join('\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const guides = await buildSite(`${root}.docs`);
  console.log(`.docs/index.html: the reference and ${guides.length} guides`);
}

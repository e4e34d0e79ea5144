import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser } from '../browser/browser.ts';
import { describeInBrowser } from '../browser/describe-in-browser.ts';
import { codeBlocks } from './code-blocks.ts';
import { buildSite, readAsset, readGuide, readNavigation, type Guide } from './docs-site.ts';

/** What a page names: its own places, and what it leads to or loads. */
interface Page {
  readonly places: ReadonlySet<string>;
  readonly links: readonly string[];
  readonly loads: readonly string[];
}

const directory = mkdtempSync(join(tmpdir(), 'modelkeep-docs-'));
const pages = new Map<string, Page>();
let guides: readonly Guide[] = [];

// Fails for every warning of TypeDoc: a link to nothing, a public property without documentation, a type that is not exported.
beforeAll(async () => {
  guides = await buildSite(directory);
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) if (file.endsWith('.html')) pages.set(file, readPage(readFileSync(join(directory, file), 'utf8')));
}, 600_000);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('the navigation has every guide in its group and in its order, before the reference', () => {
  const navigation = readNavigation(directory);
  const shown = navigation.map(({ text, children = [] }) => [text, children.map((each) => each.text)] as const);
  const wanted = [...new Set(guides.map(({ group }) => group))].map((group) => [group, guides.filter((guide) => guide.group === group).map(({ title }) => title)] as const);
  expect(shown.slice(0, -1)).toEqual(wanted);
  expect(shown.at(-1)?.[0]).toBe('Modules');
  const missing = navigation.flatMap(({ children = [] }) => children).filter(({ path = '' }) => !pages.has(path));
  expect(missing).toEqual([]);
});

test('no link within the site leads to nothing, nor to a place that its page lacks', () => {
  const broken = [...pages].flatMap(([file, { links }]) => links.filter((link) => !leadsSomewhere(file, link)).map((link) => `${file} → ${link}`));
  expect(broken).toEqual([]);
});

test('no page loads anything from elsewhere', () => {
  const foreign = [...pages].flatMap(([file, { loads }]) => loads.filter((address) => !leadsSomewhere(file, address) || isExternal(address)).map((address) => `${file} ← ${address}`));
  const styles = readdirSync(join(directory, 'assets')).filter((file) => file.endsWith('.css'));
  const imports = styles.filter((file) => /@import|url\(["']?(?:https?:)?\/\//.test(readFileSync(join(directory, 'assets', file), 'utf8')));
  expect([...foreign, ...imports]).toEqual([]);
});

test('the search has every guide', () => {
  const { rows } = readAsset(directory, 'search') as { rows: { name: string; url: string }[] };
  const searched = rows.filter(({ url }) => url.startsWith('documents/')).map(({ name }) => name);
  expect(searched.sort()).toEqual(guides.map(({ title }) => title).sort());
});

describeInBrowser('the site in a browser', () => {
  test('finds guides by their title and by what is in them, and asks nobody else for anything', async () => {
    await using browser = await openBrowser();
    const page = await browser.context.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(join(directory, 'index.html')).href);
    await page.click('#tsd-search-trigger');
    // The title of a guide; a word that stands in its text and in no title.
    for (const words of ['operating a server', 'sigterm']) {
      await page.fill('#tsd-search-input', words);
      await page.locator('#tsd-search-results a', { hasText: 'Operating a server' }).waitFor();
    }
    await page.locator('#tsd-search-results a', { hasText: 'Operating a server' }).click();
    await page.getByRole('heading', { level: 1, name: 'Operating a server' }).waitFor();
    expect(asked.filter((url) => !url.startsWith('file:'))).toEqual([]);
  });

  test('can be read by ear and keyboard, and fits a phone: the start and guides, light and dark', async () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    await using browser = await openBrowser();
    const page = await browser.context.newPage();
    const wrong: string[] = [];
    for (const [file, width, colorScheme] of [['index.html', 1280, 'light'], ['index.html', 390, 'dark'], ['documents/The_command_line.html', 390, 'light'], ['documents/Storage.html', 1280, 'dark']] as const) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.goto(pathToFileURL(join(directory, file)).href);
      await page.evaluate(axe);
      const violations = await page.evaluate<string[]>('axe.run({ preload: false }).then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes[0].html))');
      if (await page.evaluate('document.documentElement.scrollWidth > innerWidth')) violations.push('wider than its window');
      wrong.push(...violations.map((each) => `${file} at ${width}, ${colorScheme}: ${each}`));
    }
    expect(wrong).toEqual([]);
  });
});

test('llms.txt lists every guide with a line about it, and leads to pages that are there', () => {
  const text = readFileSync(join(directory, 'llms.txt'), 'utf8');
  const lines = [...text.matchAll(/^- \[(.+)\]\((.+)\): (.+)$/gm)].map(([, title, page, about]) => ({ title, page, about }));
  expect(lines.map(({ title, about }) => ({ title, about }))).toEqual(guides.map(({ title, description }) => ({ title, about: description })));
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
  expect(links.filter((link) => !existsSync(join(directory, link)))).toEqual([]);
  const full = readFileSync(join(directory, 'llms-full.txt'), 'utf8');
  expect(guides.filter(({ markdown }) => !full.includes(markdown.trim()))).toEqual([]);
});

test('the quickstart is ten lines at most', () => {
  const first = codeBlocks(guides.find(({ title }) => title === 'Quickstart')!.markdown)[0]!;
  expect(first.code.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(10);
});

test.each([
  ['no front matter', '# A guide\n'],
  ['no title', '---\ngroup: Start\norder: 1\ndescription: It.\n---\n'],
  ['no group', '---\ntitle: A\norder: 1\ndescription: It.\n---\n'],
  ['a group of its own', '---\ntitle: A\ngroup: Beginning\norder: 1\ndescription: It.\n---\n'],
])('a guide with %s is refused by its name', (_, text) => {
  expect(() => readGuide('docs/odd.md', text)).toThrow(/docs\/odd\.md must begin with front matter that says title, group/);
});

function isExternal(address: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(address);
}

function leadsSomewhere(from: string, link: string): boolean {
  if (isExternal(link)) return true;
  const [path = '', place] = link.split('#');
  const target = path === '' ? from : posix.join(posix.dirname(from), decodeURIComponent(path.split('?')[0]!));
  const page = pages.get(target);
  if (page === undefined) return existsSync(join(directory, target));
  return place === undefined || place === '' || page.places.has(decodeURIComponent(place));
}

// TypeDoc writes every `<` of a text as an entity, so that what looks like a tag is one.
function readPage(html: string): Page {
  const page = { places: new Set<string>(), links: [] as string[], loads: [] as string[] };
  for (const [, tag = '', attributes = ''] of html.matchAll(/<([a-z][a-z0-9]*)((?:\s+[\w:-]+(?:="[^"]*")?)*)\s*\/?>/gi)) {
    for (const [, name = '', value = ''] of attributes.matchAll(/([\w:-]+)="([^"]*)"/g)) {
      const plain = value.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"');
      if (name === 'id') page.places.add(plain);
      if (name === 'href' && tag === 'a') page.links.push(plain);
      if (name === 'src' || (name === 'href' && tag !== 'a')) page.loads.push(plain);
    }
  }
  return page;
}

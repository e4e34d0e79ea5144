import { readFileSync } from 'node:fs';
import { codeBlocks, markdownFiles } from '../../check/code-blocks.ts';
import { root } from '../../check/project.ts';

/** A command line of modelkeep in a guide. */
export interface GuideLine {
  /** Where it stands, as `docs/ui.md:12`. */
  readonly place: string;
  /** What stands behind `npx modelkeep`, as a shell would divide it. */
  readonly words: readonly string[];
  /** The file that it is given as standard input. */
  readonly input?: string;
  /** The command that reads its output. */
  readonly reader?: string;
}

/** What a reader of a guide does, who types all its lines from the first to the last. */
export interface GuideSession {
  readonly page: string;
  readonly lines: readonly GuideLine[];
  /** The first program of the page. */
  readonly program: string | undefined;
  readonly text: string;
}

const begin = 'npx modelkeep ';

/** The sessions of the README and of the guides: the lines in blocks, and those in sentences, but for what nobody can type, since a name in capitals stands for many. */
export function guideSessions(): GuideSession[] {
  return markdownFiles()
    .map((page) => {
      const text = readFileSync(root + page, 'utf8');
      return { page, text, program: codeBlocks(text)[0]?.code, lines: text.split('\n').flatMap((line, i) => commandsIn(line).map((command) => guideLine(`${page}:${i + 1}`, command))) };
    })
    .filter(({ lines }) => lines.length > 0);
}

function commandsIn(line: string): string[] {
  if (line.startsWith(begin)) return [line];
  return [...line.matchAll(/`(npx modelkeep [^`]+)`/g)].flatMap(([, command = '']) => (/ [A-Z]{3,}/.test(command) ? [] : [command]));
}

/** Divides a line as a shell does, as far as guides need it. What a shell may take for something else is an error, for it would do so with a reader's. */
export function guideLine(place: string, text: string): GuideLine {
  const [line = '', reader] = text.slice(begin.length).split(' | ');
  for (const each of [line.split(' #')[0]!, reader ?? '']) {
    const bare = each.replace(/'[^']*'|"[^"]*"/g, '');
    if (/[*?[\]$&;()`\\]/.test(bare)) throw new Error(`${place}: a shell may take part of ${each} for something else; quote it.`);
  }
  const words: string[] = [];
  const redirected: { '<'?: string; '>'?: string } = {};
  let sign: '<' | '>' | undefined;
  for (const [token] of line.matchAll(/[<>]|(?:'[^']*'|"[^"]*"|[^\s'"<>])+/g)) {
    if (token.startsWith('#')) break;
    if (token === '<' || token === '>') sign = token;
    else {
      const word = token.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? '');
      if (sign === undefined) words.push(word);
      else redirected[sign] = word;
      sign = undefined;
    }
  }
  return { place, words, ...(redirected['<'] !== undefined && { input: redirected['<'] }), ...(reader !== undefined && { reader: reader.trim() }) };
}

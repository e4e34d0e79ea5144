import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { root } from './project.ts';

// Spelled in pieces, so that this file does not find itself.
const strangers: Record<string, RegExp> = {
  'a path of one machine': new RegExp(`(^|[\\s'"\`(=])/(${['wo' + 'rk', 'ro' + 'ot', 'ho' + 'me/\\w+', 'Us' + 'ers/\\w+'].join('|')})/`),
  'a drive of one machine': new RegExp(`[A-Z]:\\\\+(${'Us' + 'ers'}|${'Doc' + 'uments'})`),
  'a note to oneself': new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\\b`),
  'talk about how it was made': new RegExp(`\\b(this ses${''}sion|the ses${''}sion's|C${''}EO|Cl${''}aude|the br${''}ief|is${''}sue #?\\d+)\\b`),
  'a folder that is not ours': new RegExp(`\\bsha${''}red/(design|reference)`),
};

/** Upstream's own words may stand where its test cases are quoted. */
const quoted: Partial<Record<string, RegExp>> = { 'talk about how it was made': /^test\/fixtures\// };

const skipped = /^(\.git|node_modules|dist|coverage|\.docs|\.generated|\.reports|\.dist-[^/]*|package-lock\.json)(\/|$)/;
const textual = /\.(ts|js|json|md|html|css|svg|yml|yaml|sh)$|^\.[^/]+$|^\.ci\/|^LICENSE$/;

function textFiles(directory = ''): string[] {
  return readdirSync(`${root}${directory}`, { withFileTypes: true }).flatMap((entry) => {
    const path = directory + entry.name;
    if (skipped.test(path)) return [];
    if (entry.isDirectory()) return textFiles(`${path}/`);
    return textual.test(path) ? [path] : [];
  });
}

describe('texts', () => {
  test.each(Object.entries(strangers))('nothing contains %s', (name, pattern) => {
    const files = textFiles().filter((file) => !quoted[name]?.test(file));
    const found = files.flatMap((file) =>
      readFileSync(`${root}${file}`, 'utf8')
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });
});

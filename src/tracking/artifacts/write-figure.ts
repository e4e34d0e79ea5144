import type { Clock } from '../../core/clock.ts';
import { ValidationError } from '../../core/errors.ts';
import type { OperationOptions } from '../../core/progress.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { ArtifactRecord } from './artifact-record.ts';
import { writeArtifact } from './write-artifact.ts';

const namespace = /\sxmlns(?::[\w.-]+)?\s*=\s*(["'])http:\/\/www\.w3\.org\/2000\/svg\1/;

/**
 * Stores an SVG. Checked are its outermost element and namespace, without which no program shows the file; not what is in it. Untrusted when shown: an SVG may hold scripts, so a page shows it as `<img>`, never inside its own
 * document. Throws `ValidationError` for what is no SVG.
 */
export async function writeFigure(storage: StorageAdapter, clock: Clock, runId: string, name: string, svg: string, options: OperationOptions = {}): Promise<ArtifactRecord> {
  const fault = faultOf(svg);
  if (fault !== undefined) throw new ValidationError(`Figure '${name}' is no SVG: ${fault}.`, { path: 'svg' });
  return writeArtifact(storage, clock, runId, name, svg, { ...options, mediaType: 'image/svg+xml' });
}

function faultOf(svg: unknown): string | undefined {
  if (typeof svg !== 'string') return `it is ${shown(svg, 80)}, not a text`;
  let at = svg.startsWith('\ufeff') ? 1 : 0;
  // What may stand before the outermost element, each found by its end so that no text takes long.
  for (;;) {
    while (at < svg.length && /\s/.test(svg[at]!)) at++;
    const end = svg.startsWith('<?', at) ? '?>' : svg.startsWith('<!--', at) ? '-->' : svg.startsWith('<!DOCTYPE', at) ? '>' : undefined;
    if (end === undefined) break;
    const close = svg.indexOf(end, at + 2);
    if (close < 0) return `the text from position ${at} is never closed by '${end}'`;
    if (end === '>' && svg.slice(at, close).includes('[')) return 'its DOCTYPE declares entities, which no figure needs; leave it out';
    at = close + end.length;
  }
  const root = /^<((?:[\w.-]+:)?svg)(?=[\s/>])((?:[^"'>]|"[^"]*"|'[^']*')*)>/.exec(svg.slice(at));
  if (root === null) return `it begins with ${shown(svg.slice(at, at + 40))} and not with <svg …>`;
  if (!namespace.test(root[2]!)) return 'its <svg> lacks xmlns="http://www.w3.org/2000/svg"; add it';
  const isEmpty = root[2]!.endsWith('/');
  if (isEmpty) return undefined;
  const tail = svg.slice(svg.lastIndexOf('</')).trim();
  return new RegExp(`^</${root[1]!.replaceAll('.', '\\.')}\\s*>(?:\\s*<!--[^]*?-->)*$`).test(tail) ? undefined : `it does not end with </${root[1]!}>`;
}

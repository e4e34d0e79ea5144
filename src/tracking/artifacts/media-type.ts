import { mediaTypeOf, type Content, type TextStream } from '../../core/content.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

/** The media type of a table that modelkeep stored. */
export const tableMediaType = 'application/vnd.modelkeep.table';
/** The media type of a value that JSON cannot say: it has NaN, bigints, dates or bytes. */
export const valueMediaType = 'application/vnd.modelkeep.value+json';

const utf8Text = '; charset=utf-8';

/** What files of models, data and reports are called, and what is in them. */
const byExtension: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ['json', 'application/json'],
  ['map', 'application/json'],
  ['ipynb', 'application/x-ipynb+json'],
  ['jsonl', 'application/x-ndjson'],
  ['ndjson', 'application/x-ndjson'],
  ['txt', `text/plain${utf8Text}`],
  ['log', `text/plain${utf8Text}`],
  ['md', `text/markdown${utf8Text}`],
  ['csv', `text/csv${utf8Text}`],
  ['tsv', `text/tab-separated-values${utf8Text}`],
  ['html', `text/html${utf8Text}`],
  ['htm', `text/html${utf8Text}`],
  ['css', `text/css${utf8Text}`],
  ['js', `text/javascript${utf8Text}`],
  ['mjs', `text/javascript${utf8Text}`],
  ['ts', `text/plain${utf8Text}`],
  ['py', `text/x-python${utf8Text}`],
  ['yaml', 'application/yaml'],
  ['yml', 'application/yaml'],
  ['toml', 'application/toml'],
  ['xml', 'application/xml'],
  ['svg', 'image/svg+xml'],
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['avif', 'image/avif'],
  ['bmp', 'image/bmp'],
  ['pdf', 'application/pdf'],
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mpeg'],
  ['mp4', 'video/mp4'],
  ['webm', 'video/webm'],
  ['zip', 'application/zip'],
  ['gz', 'application/gzip'],
  ['tar', 'application/x-tar'],
  ['wasm', 'application/wasm'],
  ['parquet', 'application/vnd.apache.parquet'],
  ['arrow', 'application/vnd.apache.arrow.file'],
  ['arrows', 'application/vnd.apache.arrow.stream'],
]);

/** The media type that the extension of a name stands for, in any case; `undefined` when it is none that is known. */
function mediaTypeByName(name: string): string | undefined {
  const extension = /[^/]\.([^./]+)$/.exec(name)?.[1];
  return extension === undefined ? undefined : byExtension.get(extension.toLowerCase());
}

// RFC 9110: a token, a slash, a token, and parameters whose values are tokens or quoted.
const grammar = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:[ \t]*;[ \t]*[\w!#$&^.+-]+=(?:[\w!#$&^.+-]+|"[\w \t!#-[\]-~]*"))*$/;

/**
 * The media type of an artifact: the one that is given, else that of a Blob, else that of the name's extension, else plain text for a text and `application/octet-stream` for bytes.
 * Throws `ValidationError` when the one that is given is none, for it may end up in a header.
 */
export function artifactMediaType(name: string, content: Content | TextStream, given: string | undefined): string {
  if (given !== undefined) {
    if (typeof given === 'string' && given.length <= 255 && grammar.test(given)) return given;
    throw new ValidationError(`The mediaType of artifact '${name}' is ${shown(given, 80)}; give one such as 'text/csv' or 'image/png'.`, { path: 'mediaType' });
  }
  const own = mediaTypeOf(content);
  const isBlobType = typeof content !== 'string' && own !== 'application/octet-stream' && own.length <= 255 && grammar.test(own);
  return isBlobType ? own : (mediaTypeByName(name) ?? (typeof content === 'string' ? own : 'application/octet-stream'));
}

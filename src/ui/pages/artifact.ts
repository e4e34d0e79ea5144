import { stringifyTolerant } from '../../core/lossless-json.ts';
import { html, type Html } from '../../report/markup/html.ts';
import { tableMediaType, valueMediaType } from '../../tracking/artifacts/media-type.ts';
import type { ArtifactRecord } from '../../tracking/artifacts/artifact-record.ts';
import { findArtifact } from '../../tracking/artifacts/artifact-record.ts';
import { attachment } from '../attachment.ts';
import type { UiCall, UiPage } from '../call.ts';
import { digest, facts, part, table } from '../page/table.ts';
import type { FileHeaders } from '../routes.ts';
import { runTitle } from './run-title.ts';

/** Pictures that browsers show and that hold no script. SVG is not among them. */
const pictures: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif']);
const mostRows = 100;
const mostColumns = 50;
/** A table is read whole for its first rows; larger ones can be downloaded, and so can larger pictures. */
const mostTableBytes = 64 * 1024 * 1024;
const mostPictureBytes = 20 * 1024 * 1024;

/** What is known of an artifact, and how it begins. */
export async function artifactPage(call: UiCall): Promise<UiPage> {
  const { store, query, links, formats, signal } = call;
  const id = query.required('run');
  const name = query.required('name');
  const run = await store.tracker.getRun(id, { signal });
  const record = await recordOf(call, id, name);
  const body = html`${facts([
    ['Type', record.mediaType],
    ['Size', formats.bytes(record.size)],
    ['Logged', formats.time(record.loggedAt)],
    ['Digest', digest(record.digest)],
  ])}
<p class="actions"><a class="button" href="${links.to('artifact-file', { run: id, name })}" download>Download</a></p>
${part('preview', 'How it begins', await previewOf(call, id, record))}`;
  return {
    title: name,
    trail: [
      { title: 'Runs', href: links.to('runs') },
      { title: run.experiment, href: links.to('runs', { experiment: run.experiment }) },
      { title: runTitle(run), href: links.to('run', { id }) },
    ],
    body,
  };
}

/** All bytes of an artifact, as a file to be kept; a picture may be shown. Whatever it is, it does not run here. */
export async function artifactFile(call: UiCall, headers: FileHeaders): Promise<Response> {
  const { store, query, signal } = call;
  const id = query.required('run');
  const name = query.required('name');
  const record = await recordOf(call, id, name);
  const bytes = await store.tracker.openArtifact(id, name, { signal });
  const picture = pictures.has(record.mediaType) && query.text('show') !== undefined;
  const file = name.split('/').at(-1)!;
  const disposition = picture ? 'inline' : attachment(file);
  const type = picture ? record.mediaType : 'application/octet-stream';
  return new Response(streamOf(bytes), { headers: headers(type, { 'content-disposition': disposition, 'content-length': String(record.size) }) });
}

async function recordOf({ store, signal }: UiCall, run: string, name: string): Promise<ArtifactRecord> {
  await store.tracker.getRun(run, { signal });
  return (await findArtifact(store.storage, run, name, { signal })).value;
}

async function previewOf(call: UiCall, run: string, record: ArtifactRecord): Promise<Html> {
  const { store, links, limits, signal } = call;
  const { name, mediaType, size } = record;
  if (pictures.has(mediaType) && size <= mostPictureBytes) return html`<img class="picture" src="${links.to('artifact-file', { run, name, show: '1' })}" alt="${name}">`;
  if (mediaType === tableMediaType) return size > mostTableBytes ? html`<p class="muted">It is too large to be looked at here; download it.</p>` : tablePreview(call, run, name);
  if (mediaType === valueMediaType && size <= limits.previewBytes) return textPreview(stringifyTolerant(await store.tracker.readArtifactJson(run, name, { signal })), false, call);
  const bytes = await store.tracker.readArtifactRange(run, name, { start: 0, end: Math.min(size, limits.previewBytes) }, { signal });
  const text = textOf(bytes, size > bytes.length);
  return text === undefined ? html`<p class="muted">It is no text; download it to look at it.</p>` : textPreview(text, size > bytes.length, call);
}

function textPreview(text: string, cut: boolean, { formats, limits }: UiCall): Html {
  return html`${cut && html`<p class="muted">Showing the first ${formats.bytes(limits.previewBytes)}; download it for the rest.</p>`}<pre class="text" tabindex="0" dir="auto">${text}</pre>`;
}

async function tablePreview({ store, formats, signal }: UiCall, run: string, name: string): Promise<Html> {
  const { columns, rowCount, totalRows } = await store.tracker.readTable(run, name, { rows: { end: mostRows }, signal });
  const names = Object.keys(columns);
  const shown = names.slice(0, mostColumns);
  const rows = Array.from({ length: rowCount }, (_, row) => shown.map((column) => html`<bdi>${formats.value(columns[column]![row])}</bdi>`));
  const more = names.length > shown.length;
  return html`<p class="muted">${more && `Showing ${shown.length} of ${formats.count(names.length)} columns. `}Showing ${formats.count(rowCount)} of ${formats.count(totalRows)} rows.</p>${table({ caption: name, columns: shown.map((head) => ({ head: html`<bdi>${head}</bdi>` })), rows, empty: 'It has no rows.' })}`;
}

/** Bytes as text, or `undefined` when they are none; where they were cut, the last character may be too. */
function textOf(bytes: Uint8Array, cut: boolean): string | undefined {
  if (bytes.subarray(0, 4096).includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut });
  } catch {
    return undefined;
  }
}

function streamOf(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    cancel: async () => void (await iterator.return?.()),
  });
}

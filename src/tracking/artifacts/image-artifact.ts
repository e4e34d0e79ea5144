import type { Clock } from '../../core/clock.ts';
import { collectBytes } from '../../core/bytes.ts';
import { contentChunks } from '../../core/content.ts';
import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { StorageAdapter } from '../../storage/contract.ts';
import type { ArtifactRecord } from './artifact-record.ts';
import { encodePng, type RawImage } from './encode-png.ts';
import { writeArtifact, type LogArtifactOptions } from './write-artifact.ts';

/** An image as it is logged: the bytes of a file, or pixels. */
export type ImageInput = ArrayBuffer | ArrayBufferView | Blob | RawImage;

/**
 * Stores an image: a PNG, JPEG, GIF, WebP, AVIF or BMP file as it is, its media type told from its bytes, or pixels as a PNG. A file of another kind needs a `mediaType` that begins with `image/`. Throws `ValidationError`
 * for anything else, and when pixels are not as many as width and height say.
 */
export async function writeImage(storage: StorageAdapter, clock: Clock, runId: string, name: string, image: ImageInput, options: LogArtifactOptions = {}): Promise<ArtifactRecord> {
  const path = `Image '${name}'`;
  const { mediaType, signal } = options;
  if (isRaw(image)) {
    if (mediaType !== undefined && mediaType !== 'image/png') throw new ValidationError(`${path} is pixels, which become a PNG, and not ${shown(mediaType, 80)}; leave mediaType out.`, { path: 'mediaType' });
    return writeArtifact(storage, clock, runId, name, await encodePng(image, path), { mediaType: 'image/png', signal });
  }
  if (typeof image !== 'object' || image === null) throw new ValidationError(`${path} is ${shown(image, 80)}; give the bytes of a file, a Blob, or { width, height, data }.`, { path: 'image' });
  const bytes = await collectBytes(contentChunks(image, path, signal));
  const found = mediaType ?? imageTypeOf(bytes);
  if (found === undefined || !found.startsWith('image/')) {
    throw new ValidationError(`${path} is ${mediaType === undefined ? 'no PNG, JPEG, GIF, WebP, AVIF or BMP' : `given as ${shown(mediaType, 80)}`}; give an image, with its mediaType if it is of another kind, or use logFigure for SVG.`, { path: 'image' });
  }
  return writeArtifact(storage, clock, runId, name, bytes, { mediaType: found, signal });
}

/** What kind of image file the bytes begin like. */
function imageTypeOf(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 16));
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(head)) return 'image/gif';
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'image/webp';
  if (/^avi[fs]$/.test(head.slice(8, 12)) && head.slice(4, 8) === 'ftyp') return 'image/avif';
  return head.startsWith('BM') ? 'image/bmp' : undefined;
}

function isRaw(image: ImageInput): image is RawImage {
  return typeof image === 'object' && image !== null && 'width' in image && 'height' in image && 'data' in image;
}

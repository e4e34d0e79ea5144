import { assertDigest, createHasher, type Digest } from '../core/digest.ts';
import { check } from '../core/schema.ts';
import { headerNames, maxPartBytes } from '../storage/http-protocol.ts';
import { jsonAnswer, type Answer } from './answer.ts';
import { refusingOthers } from './blob-routes.ts';
import type { Call } from './call.ts';
import { hostDigestOf } from './host-digest.ts';
import { Refusal } from './refusal.ts';
import type { Route } from './route.ts';
import * as schemas from './schemas.ts';
import type { UploadOwner } from './upload-sessions.ts';

const gone = { description: 'There is no such upload, or it is not this client\'s.', schema: schemas.wireError };
const outOfOrder = { description: 'The parts are not what the request takes them for; the details say how many there are.', schema: schemas.wireError };

export const uploadRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/uploads',
    id: 'beginUpload',
    summary: 'Begins an upload: a blob that is sent in parts.',
    answers: { 200: { description: 'Begun.', schema: schemas.uploadBegun } },
    async handle(call) {
      const owner = await ownerOf(call, '');
      return jsonAnswer({ id: await call.service.uploads.begin(owner, call.options) });
    },
  },
  {
    method: 'GET',
    path: '/uploads/{id}',
    id: 'uploadProgress',
    summary: 'How far an upload has come.',
    answers: { 200: { description: 'So far.', schema: schemas.uploadProgress }, 404: gone },
    async handle(call) {
      const id = call.param('id');
      return jsonAnswer(await call.service.uploads.progress(id, await ownerOf(call, id), call.options));
    },
  },
  {
    method: 'PUT',
    path: '/uploads/{id}/{part}',
    id: 'uploadPart',
    summary: `Sends a part, of at most ${maxPartBytes} bytes; parts are numbered from 1 and sent in order. A part that is there already is recognised.`,
    headers: { [headerNames.digest]: 'The digest of the part.' },
    body: { description: 'The bytes of the part.', type: 'application/octet-stream' },
    answers: {
      200: { description: 'Stored.', schema: schemas.uploadProgress },
      404: gone,
      409: outOfOrder,
      422: { description: 'The bytes are not those of the digest; nothing was kept.', schema: schemas.wireError },
    },
    handle: uploadPart,
  },
  {
    method: 'POST',
    path: '/uploads/{id}',
    id: 'commitUpload',
    summary: 'Makes a blob of the parts. Repeated, it gives its first result.',
    body: { description: 'How many parts there are, and what they are together.', type: 'application/json', schema: schemas.commitBody },
    answers: {
      200: { description: 'Stored.', schema: schemas.blobRef },
      404: gone,
      409: outOfOrder,
      422: { description: 'The bytes are not those of the digest; the parts stay.', schema: schemas.wireError },
    },
    handle: commit,
  },
  {
    method: 'DELETE',
    path: '/uploads/{id}',
    id: 'cancelUpload',
    summary: 'Gives up an upload.',
    answers: { 200: { description: 'Given up.', schema: schemas.writeDone }, 404: gone },
    async handle(call) {
      const id = call.param('id');
      await call.service.uploads.cancel(id, await ownerOf(call, id), call.options);
      return jsonAnswer({ ok: true });
    },
  },
];

/** Asks for the upload, and says whose it is. */
async function ownerOf(call: Call, id: string): Promise<UploadOwner> {
  const { actor } = await call.permit('write', 'upload', id);
  return { actor, workspace: call.workspace };
}

async function uploadPart(call: Call): Promise<Answer> {
  const id = call.param('id');
  const part = call.param('part');
  const owner = await ownerOf(call, id);
  if (!/^[1-9]\d{0,5}$/.test(part)) throw new Refusal(400, 'validation', 'Parts are numbered from 1.');
  const digest = assertDigest(call.request.header(headerNames.digest) ?? '');
  const bytes = await call.body.bytes(maxPartBytes, 'The part');
  const found = await hostDigestOf(bytes);
  if (found !== digest) throw new Refusal(422, 'integrity', `The part was to be ${digest}, but its bytes hash to ${found}; nothing was kept.`, { details: { key: digest, found } });
  return jsonAnswer(await call.service.uploads.store(id, owner, { number: Number(part), bytes, digest }, call.service.limits.blobBytes, call.options));
}

async function commit(call: Call): Promise<Answer> {
  const id = call.param('id');
  const owner = await ownerOf(call, id);
  const { digest, parts } = check(schemas.commitBody, await call.body.json(1024), 'body');
  const asked = digest === undefined ? undefined : assertDigest(digest);
  if (asked !== undefined) await call.permit('write', 'blob', asked);
  const ref = await call.service.uploads.commit(
    id,
    owner,
    parts,
    async (source) => {
      const known = asked ?? (await hashOf(source()));
      if (asked === undefined) await call.permit('write', 'blob', known);
      return refusingOthers(() => call.storage.writeBlob(source(), { digest: known }), call, known);
    },
    // Done to the end, whoever leaves: it may take longer than a proxy waits, and who asks again must not begin it anew.
    {},
  );
  call.service.sizes.remember(call.workspace, ref.digest, ref.size);
  return jsonAnswer(ref);
}

/** Leave is asked for by digest, so it must be known before anything is written. */
async function hashOf(source: AsyncIterable<Uint8Array>): Promise<Digest> {
  const hasher = createHasher();
  for await (const chunk of source) hasher.update(chunk);
  return hasher.digest();
}

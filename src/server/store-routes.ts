import { NotFoundError } from '../core/errors.ts';
import { isRegistryChange } from '../registry/change-input.ts';
import type { RegistryEvent } from '../registry/registry-event.ts';
import { bytesAnswer, jsonAnswer, jsonType, type Answer } from './answer.ts';
import type { Call } from './call.ts';
import { Refusal } from './refusal.ts';
import { parseRegistryCommand, runRegistryCommand } from './registry-endpoint.ts';
import type { Route } from './route.ts';
import * as schemas from './schemas.ts';

// What the codec takes.
const maxDepth = 500;

export const storeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/health',
    id: 'health',
    summary: 'Whether the server works and its store answers. Open to everyone.',
    open: true,
    answers: { 200: { description: 'It does.', schema: schemas.health }, 503: { description: 'The store does not answer.', schema: schemas.wireError } },
    async handle(call) {
      if (await call.service.alive()) return jsonAnswer({ status: 'ok' });
      throw new Refusal(503, 'unavailable', 'The store does not answer.', { headers: { 'retry-after': '2' } });
    },
  },
  {
    method: 'GET',
    path: '/openapi.json',
    id: 'describe',
    summary: 'This description. Open to everyone.',
    open: true,
    answers: { 200: { description: 'An OpenAPI document.', type: jsonType } },
    async handle(call) {
      return bytesAnswer(200, jsonType, call.service.document(), { 'cache-control': 'public, max-age=300' });
    },
  },
  {
    method: 'GET',
    path: '/store',
    id: 'describeStore',
    summary: 'What the store can do, and the limits of the server.',
    answers: { 200: { description: 'What it can do.', schema: schemas.storeInfo } },
    async handle(call) {
      await call.permit('read', 'store', '');
      const { durability, sharedBetweenProcesses, sharesBlobs } = call.storage.supports;
      const { recordBytes, entryBytes, blobBytes, requestBytes, batch, page, keyLength } = call.service.limits;
      return jsonAnswer({
        protocol: 1,
        supports: { durability, sharedBetweenProcesses, maxRecordBytes: recordBytes, maxEntryBytes: entryBytes, ...(sharesBlobs && { sharesBlobs }) },
        limits: { recordBytes, entryBytes, blobBytes, requestBytes, batch, page, keyLength },
      });
    },
  },
  {
    method: 'POST',
    path: '/registry/{method}',
    id: 'changeModel',
    summary: 'Changes a model: the server decides, asks the gates, and records who it was as it knows them.',
    body: { description: 'The value { input, prefix } in the codec of modelkeep, which is JSON; the shape of input depends on the method.', type: jsonType },
    answers: {
      200: { description: 'What the method returns, in the codec of modelkeep.', type: jsonType },
      409: { description: 'Others changed the model first, or it exists already.', schema: schemas.wireError },
      422: { description: 'The gates refused; the details have their report.', schema: schemas.wireError },
    },
    handle: changeModel,
  },
];

async function changeModel(call: Call): Promise<Answer> {
  const method = call.param('method');
  if (!isRegistryChange(method)) throw new NotFoundError('The registry has no such method.');
  const bytes = await call.body.jsonBytes(call.service.limits.requestBytes, maxDepth);
  // Which model it is stands in the body, and who may change it depends on that.
  const { key } = parseRegistryCommand(method, bytes, 'nobody');
  await call.permit('call', 'model', key, method);
  const command = parseRegistryCommand(method, bytes, call.actor);
  const { gates, clock } = call.service;
  const emit = (event: RegistryEvent): void => call.service.emit(event, { workspace: call.workspace, prefix: command.prefix });
  return bytesAnswer(200, jsonType, await runRegistryCommand(command, { storage: call.storage, gates, clock, emit }, call.options));
}

export type { Access, Authorize, Identity, Verdict } from './server/access.ts';
export type { CorsOptions } from './server/cors.ts';
export type { HandlerLimits, StorageHandlerOptions } from './server/handler-options.ts';
export { toNodeHandler } from './server/node-handler.ts';
export type { NodeHandler, NodeResponse } from './server/node-handler.ts';
export type { NodeRequest } from './server/node-incoming.ts';
export { createStorageHandler } from './server/storage-handler.ts';
export type { StorageHandler } from './server/storage-handler.ts';
export { workspaceStorage } from './server/workspace-storage.ts';

import { StorageError } from '../core/errors.ts';
import type { Access } from './access.ts';
import { claimsPrefix } from './workspace-storage.ts';

/** Where the parts of blobs under way lie, as logs that no client reaches. */
export const uploadsPrefix = 'uploads/';

// In whichever part of the store it is: clients may have prefixes of their own.
const ofRegistry = /(?:^|\/)registry\//;

/** Refuses what no client may touch, whatever leave it has: the handler's own logs, and, with `domains`, what the registry guards and which blobs a workspace has. */
export function assertReachable({ action, kind, key }: Access, domains: boolean): void {
  if (kind === 'log' && key.startsWith(uploadsPrefix) && action !== 'list') {
    throw new StorageError('forbidden', `The logs under ${uploadsPrefix} are the server's own; name yours otherwise.`, { key });
  }
  if (kind === 'model' && (key.startsWith(uploadsPrefix) || key.startsWith(claimsPrefix))) {
    throw new StorageError('forbidden', 'No registry can be kept where the server keeps its own records and logs; use another prefix.', { key });
  }
  const changes = (kind === 'record' || kind === 'log') && (action === 'write' || action === 'delete' || action === 'append');
  if (!domains || !changes) return;
  if (ofRegistry.test(key)) {
    throw new StorageError(
      'forbidden',
      `${key} is evidence of the registry, which only the server itself writes. Change models with POST v1/registry/{method}, as Registry over HttpStorage does.`,
      { key, endpoint: 'v1/registry/{method}' },
    );
  }
  if (key.startsWith(claimsPrefix)) {
    throw new StorageError('forbidden', `${key} says which blobs a workspace has, which only the server itself writes.`, { key });
  }
}

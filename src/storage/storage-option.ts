import type * as z from 'zod/mini';
import { having } from '../core/option-schemas.ts';
import type { StorageAdapter } from './contract.ts';

/** Schema of a `storage` option. */
export const storageOption: z.ZodMiniType<StorageAdapter, StorageAdapter> = /* @__PURE__ */ having<StorageAdapter>('write', 'must be a storage, such as new MemoryStorage()');

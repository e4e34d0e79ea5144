export {
  AbortedError,
  ConflictError,
  GateError,
  IntegrityError,
  ModelkeepError,
  NotFoundError,
  StorageError,
  TimeoutError,
  UnsupportedError,
  ValidationError,
  isModelkeepError,
} from './core/errors.ts';
export type { ErrorCode, ErrorDetails, StorageErrorCode } from './core/errors.ts';
export { MemoryStorage } from './storage/memory/memory-storage.ts';
export { withPrefix } from './storage/with-prefix.ts';

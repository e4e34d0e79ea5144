import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import { durationMs, type Duration } from '../core/duration.ts';
import { ValidationError } from '../core/errors.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import { callable, clockOption } from '../core/option-schemas.ts';
import { check } from '../core/schema.ts';
import type { GateFunction } from '../registry/custom-gate.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { Authorize } from './access.ts';
import type { CorsOptions } from './cors.ts';
import type { RegistryEventListener } from './registry-endpoint.ts';

/** How much a request may ask for. What is larger is refused with 413, more than is held at once with 429. */
export interface HandlerLimits {
  /** Largest record, in bytes. @default what the adapter takes */
  readonly recordBytes?: number | undefined;
  /** Largest entry of a log, in bytes. @default what the adapter takes */
  readonly entryBytes?: number | undefined;
  /** Largest blob, in bytes. @default 64 GiB */
  readonly blobBytes?: number | undefined;
  /** Most keys that a batch reads and most writes that it makes. @default 1000 */
  readonly batch?: number | undefined;
  /** Most entries of one page of a list; who asks for more gets so many, and goes on from there. @default 10_000 */
  readonly page?: number | undefined;
  /** Longest key, in characters. @default 1000 */
  readonly keyLength?: number | undefined;
  /** Largest body of any request but one that sends a blob, in bytes. @default 64 MiB, or what the largest record or entry needs */
  readonly requestBytes?: number | undefined;
  /** Most requests that are answered at once; further ones get 429. @default 256 */
  readonly requestsInFlight?: number | undefined;
  /** Most bytes of bodies that are held at once, of all requests together; a request that would need more gets 429. A single one is never refused for it. @default 256 MiB */
  readonly bytesInFlight?: number | undefined;
  /** How long each MiB of a body may take to arrive (408), and how long a client may leave a streamed answer waiting (it is cut). @default '1m' */
  readonly bodyTimeout?: Duration | undefined;
}

/** How a storage handler serves its store. */
export interface StorageHandlerOptions {
  /** Is asked for everything that a request touches, and says who makes it; the word `'public'` lets everyone do everything. */
  readonly authorize: Authorize | 'public';
  /** What stands before `/v1` in the paths of requests, such as `/api`. @default '' */
  readonly basePath?: string | undefined;
  /** Bounds on what a request may ask for. @default see each */
  readonly limits?: HandlerLimits | undefined;
  /** Also serves a store of its own to each team, under `/workspaces/<team>/v1`; `authorize` is told which. @default false */
  readonly workspaces?: boolean | undefined;
  /** Lets web pages of other origins use the store. @default none */
  readonly cors?: CorsOptions | undefined;
  /** Refuses writes to what the registry guards, which are made by calling its methods instead. Without it, whoever may write such a record may forge it. @default true */
  readonly guardDomains?: boolean | undefined;
  /** The functions behind `gates.custom(name)`, by name. @default none */
  readonly gates?: Readonly<Record<string, GateFunction>> | undefined;
  /** Told of each change of a model, with the part of the store that it happened in, when it is stored; nothing waits for it. What it throws goes to `onError`. @default nobody */
  readonly onRegistryEvent?: RegistryEventListener | undefined;
  /** The realm and scheme that a 401 names, as in RFC 9110 §11.6.1. @default 'Bearer realm="modelkeep"' */
  readonly challenge?: string | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
  /** Is told of failures, with the id that the client was given. @default none */
  readonly logger?: Logger | undefined;
  /** Is given the errors that a client must not see. @default none */
  readonly onError?: ErrorListener | undefined;
}

/** The limits with their defaults. */
export interface Limits {
  readonly recordBytes: number;
  readonly entryBytes: number;
  readonly blobBytes: number;
  readonly batch: number;
  readonly page: number;
  readonly keyLength: number;
  readonly requestBytes: number;
  readonly requestsInFlight: number;
  readonly bytesInFlight: number;
  readonly bodyTimeoutMs: number;
}

const MiB = 1024 * 1024;
const count = z.optional(z.int().check(z.minimum(1)));
const duration = z.optional(z.union([z.number(), z.string()]));
const origins = z.union([z.literal('*'), z.array(z.string()), callable<(origin: string) => boolean>()]);

const optionsSchema = z.strictObject({
  authorize: z.union([z.literal('public'), callable<Authorize>()]),
  basePath: z.optional(z.string()),
  limits: z.optional(
    z.strictObject({
      recordBytes: count,
      entryBytes: count,
      blobBytes: count,
      batch: count,
      page: count,
      keyLength: z.optional(z.int().check(z.minimum(1), z.maximum(1000))),
      requestBytes: count,
      requestsInFlight: count,
      bytesInFlight: count,
      bodyTimeout: duration,
    }),
  ),
  workspaces: z.optional(z.boolean()),
  cors: z.optional(z.strictObject({ origins, credentials: z.optional(z.boolean()), maxAge: duration })),
  guardDomains: z.optional(z.boolean()),
  gates: z.optional(z.record(z.string(), callable<GateFunction>())),
  onRegistryEvent: z.optional(callable<RegistryEventListener>()),
  challenge: z.optional(z.string().check(z.regex(/^[\x20-\x7e]+$/))),
  clock: clockOption,
  logger: z.optional(z.unknown()),
  onError: z.optional(callable<ErrorListener>()),
});

/** Checks what a handler is made with. */
export function checkHandlerOptions(options: StorageHandlerOptions): StorageHandlerOptions {
  if ((options as { authorize?: unknown } | undefined)?.authorize === undefined) {
    throw new ValidationError("options.authorize is missing; give a function that says who may do what, or the word 'public' to let everyone do everything.", { path: 'options.authorize' });
  }
  const { basePath = '', cors } = check(optionsSchema, options, 'options');
  if (!/^(?:\/[A-Za-z0-9._~-]+)*$/.test(basePath) || /\/\.\.?(?:\/|$)/.test(basePath)) {
    throw new ValidationError("options.basePath must be empty, or a path such as '/api' with no slash at its end.", { path: 'options.basePath' });
  }
  if (cors?.credentials && cors.origins === '*') {
    throw new ValidationError("options.cors may not allow credentials to every origin; name the origins.", { path: 'options.cors.origins' });
  }
  return options;
}

/** The limits that hold for an adapter: never more than it takes itself. */
export function limitsFor({ supports }: StorageAdapter, limits: HandlerLimits = {}): Limits {
  const recordBytes = Math.min(limits.recordBytes ?? Infinity, supports.maxRecordBytes);
  const entryBytes = Math.min(limits.entryBytes ?? Infinity, supports.maxEntryBytes);
  return {
    recordBytes,
    entryBytes,
    blobBytes: limits.blobBytes ?? 64 * 1024 * MiB,
    batch: limits.batch ?? 1_000,
    page: limits.page ?? 10_000,
    keyLength: limits.keyLength ?? 1_000,
    // A MiB for the headers of the frames.
    requestBytes: limits.requestBytes ?? Math.max(64 * MiB, recordBytes, entryBytes) + MiB,
    requestsInFlight: limits.requestsInFlight ?? 256,
    bytesInFlight: limits.bytesInFlight ?? 256 * MiB,
    bodyTimeoutMs: durationMs(limits.bodyTimeout ?? '1m', 'options.limits.bodyTimeout'),
  };
}

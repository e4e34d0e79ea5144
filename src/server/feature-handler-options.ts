import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import type { Duration } from '../core/duration.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import { callable, clockOption } from '../core/option-schemas.ts';
import { check } from '../core/schema.ts';
import type { Authorize } from './access.ts';
import type { CorsOptions } from './cors.ts';
import { checkHandlerOptions } from './handler-options.ts';

/** How much a request for features may ask for. What is larger is refused with 413, more than is held at once with 429. */
export interface FeatureHandlerLimits {
  /** Largest body, in bytes. @default 16 MiB */
  readonly requestBytes?: number | undefined;
  /** Most values that one answer has: entities times features. @default 1_000_000 */
  readonly values?: number | undefined;
  /** Most requests that are answered at once; further ones get 429. @default 256 */
  readonly requestsInFlight?: number | undefined;
  /** Most bytes of bodies that are held at once, of all requests together; a request that would need more gets 429. A single one is never refused for it. @default 256 MiB */
  readonly bytesInFlight?: number | undefined;
  /** How long each MiB of a body may take to arrive; then 408. @default '1m' */
  readonly bodyTimeout?: Duration | undefined;
}

/** How features are served over HTTP. */
export interface FeatureHandlerOptions {
  /** Is asked for every view that a request touches, as kind `feature-view`, and says who makes it; the word `'public'` lets everyone do everything. */
  readonly authorize: Authorize | 'public';
  /** What stands before `/get-online-features` in the paths of requests. @default '' */
  readonly basePath?: string | undefined;
  /** The view that takes what is pushed to a source, by the name of the source. @default a source has the name of its view */
  readonly pushSources?: Readonly<Record<string, string>> | undefined;
  /** Whether errors have the form of this package, or statuses and bodies as Feast's own server gives them. @default 'modelkeep' */
  readonly errors?: 'modelkeep' | 'feast' | undefined;
  /** Bounds on what a request may ask for. @default see each */
  readonly limits?: FeatureHandlerLimits | undefined;
  /** Lets web pages of other origins ask. @default none */
  readonly cors?: CorsOptions | undefined;
  /** The realm and scheme that a 401 names, as in RFC 9110 §11.6.1. @default 'Bearer realm="modelkeep"' */
  readonly challenge?: string | undefined;
  /** Times the bodies of requests, and says until when to materialize. @default the host's */
  readonly clock?: Clock | undefined;
  /** Is told of failures, with the id that the client was given. @default none */
  readonly logger?: Logger | undefined;
  /** Is given the errors that a client must not see. @default none */
  readonly onError?: ErrorListener | undefined;
}

const count = z.optional(z.int().check(z.minimum(1)));
const schema = z.strictObject({
  authorize: z.union([z.literal('public'), callable<Authorize>()]),
  basePath: z.optional(z.string()),
  pushSources: z.optional(z.record(z.string(), z.string())),
  errors: z.optional(z.enum(['modelkeep', 'feast'])),
  limits: z.optional(
    z.strictObject({ requestBytes: count, values: count, requestsInFlight: count, bytesInFlight: count, bodyTimeout: z.optional(z.union([z.number(), z.string()])) }),
  ),
  cors: z.optional(z.unknown()),
  challenge: z.optional(z.string()),
  clock: clockOption,
  logger: z.optional(z.unknown()),
  onError: z.optional(callable<ErrorListener>()),
});

/** Checks what a feature handler is made with. */
export function checkFeatureHandlerOptions(options: FeatureHandlerOptions): FeatureHandlerOptions {
  const { authorize, basePath, cors, challenge } = (options as FeatureHandlerOptions | undefined) ?? {};
  // What both handlers have is checked in one place.
  checkHandlerOptions({ authorize, basePath, cors, challenge } as Parameters<typeof checkHandlerOptions>[0]);
  check(schema, options, 'options');
  return options;
}

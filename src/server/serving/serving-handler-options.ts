import * as z from 'zod/mini';
import type { Clock } from '../../core/clock.ts';
import { durationMs, type Duration } from '../../core/duration.ts';
import { ValidationError } from '../../core/errors.ts';
import type { ErrorListener, Logger } from '../../core/logger.ts';
import { callable, clockOption } from '../../core/option-schemas.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';
import type { Authorize } from '../access.ts';
import type { CorsOptions } from '../cors.ts';
import { checkHandlerOptions } from '../handler-options.ts';
import type { ServedDeployment } from './served-deployment.ts';

/** How much a request for predictions may ask for. What is larger is refused with 413, more than is held at once with 429. */
export interface ServingHandlerLimits {
  /** Largest body, in bytes. @default 64 MiB */
  readonly requestBytes?: number | undefined;
  /** Most rows of one request to a model that answers them one by one. @default 10_000 */
  readonly rows?: number | undefined;
  /** How many rows of one request are with the model at once; the next follow as they are answered, so that one large request does not fill the queue of all. @default 64 */
  readonly rowsAtOnce?: number | undefined;
  /** How deep JSON may be nested. @default 32 */
  readonly depth?: number | undefined;
  /** Most requests that are answered at once; further ones get 429. @default 1024 */
  readonly requestsInFlight?: number | undefined;
  /** Most bytes of bodies that are held at once, of all requests together; a request that would need more gets 429. A single one is never refused for it. @default 512 MiB */
  readonly bytesInFlight?: number | undefined;
  /** How long each MiB of a body may take to arrive; then 408. @default '1m' */
  readonly bodyTimeout?: Duration | undefined;
}

/** How models are served over HTTP. */
export interface ServingHandlerOptions {
  /** Is asked for every deployment that a request touches, as kind `deployment`, and says who makes it; the word `'public'` lets everyone do everything. Health is told to everyone. */
  readonly authorize: Authorize | 'public';
  /** What stands before `/v1`, `/v2`, `/predictions`, `/ping`, `/metrics`, `/health` and `/deployments` in the paths of requests. @default '' */
  readonly basePath?: string | undefined;
  /** Bounds on what a request may ask for. @default see each */
  readonly limits?: ServingHandlerLimits | undefined;
  /** Lets web pages of other origins ask. @default none */
  readonly cors?: CorsOptions | undefined;
  /** The realm and scheme that a 401 names, as in RFC 9110 §11.6.1. @default 'Bearer realm="modelkeep"' */
  readonly challenge?: string | undefined;
  /** Times the bodies of requests. @default the host's */
  readonly clock?: Clock | undefined;
  /** Is told of failures, with the id that the client was given. @default none */
  readonly logger?: Logger | undefined;
  /** Is given the errors that a client must not see. @default none */
  readonly onError?: ErrorListener | undefined;
}

/** The limits, each with its value. */
export interface ServingLimits {
  readonly requestBytes: number;
  readonly rows: number;
  readonly rowsAtOnce: number;
  readonly depth: number;
  readonly requestsInFlight: number;
  readonly bytesInFlight: number;
  readonly bodyTimeoutMs: number;
}

const MiB = 1024 * 1024;
const count = z.optional(z.int().check(z.minimum(1)));
const schema = z.strictObject({
  authorize: z.union([z.literal('public'), callable<Authorize>()]),
  basePath: z.optional(z.string()),
  limits: z.optional(
    z.strictObject({
      requestBytes: count,
      rows: count,
      rowsAtOnce: count,
      depth: z.optional(z.int().check(z.minimum(4), z.maximum(1000))),
      requestsInFlight: count,
      bytesInFlight: count,
      bodyTimeout: z.optional(z.union([z.number(), z.string()])),
    }),
  ),
  cors: z.optional(z.unknown()),
  challenge: z.optional(z.string()),
  clock: clockOption,
  logger: z.optional(z.unknown()),
  onError: z.optional(callable<ErrorListener>()),
});

/** Checks what a serving handler is made with. */
export function checkServingHandlerOptions(options: ServingHandlerOptions): ServingHandlerOptions {
  const { authorize, basePath, cors, challenge } = (options as ServingHandlerOptions | undefined) ?? {};
  // What all handlers have is checked in one place.
  checkHandlerOptions({ authorize, basePath, cors, challenge } as Parameters<typeof checkHandlerOptions>[0]);
  check(schema, options, 'options');
  return options;
}

/** The limits that hold. */
export function servingLimits(limits: ServingHandlerLimits = {}): ServingLimits {
  return {
    requestBytes: limits.requestBytes ?? 64 * MiB,
    rows: limits.rows ?? 10_000,
    rowsAtOnce: limits.rowsAtOnce ?? 64,
    depth: limits.depth ?? 32,
    requestsInFlight: limits.requestsInFlight ?? 1024,
    bytesInFlight: limits.bytesInFlight ?? 512 * MiB,
    bodyTimeoutMs: durationMs(limits.bodyTimeout ?? '1m', 'options.limits.bodyTimeout'),
  };
}

/** The deployments by their models. */
export function deploymentsByModel(deployments: readonly ServedDeployment[]): ReadonlyMap<string, ServedDeployment> {
  if (!Array.isArray(deployments)) throw new ValidationError(`deployments is ${shown(deployments, 80)}; give a list of deployments.`, { path: 'deployments' });
  const byModel = new Map<string, ServedDeployment>();
  for (const [i, deployment] of (deployments as readonly ServedDeployment[]).entries()) {
    const { model, predict } = (deployment ?? {}) as Partial<ServedDeployment>;
    if (typeof model !== 'string' || typeof predict !== 'function') throw new ValidationError(`deployments[${i}] must be a Deployment.`, { path: `deployments[${i}]` });
    if (byModel.has(model)) throw new ValidationError(`deployments[${i}] serves '${model}', which another serves already.`, { path: `deployments[${i}]` });
    byModel.set(model, deployment);
  }
  return byModel;
}

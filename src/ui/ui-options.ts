import * as z from 'zod/mini';
import type { Clock } from '../core/clock.ts';
import { ValidationError } from '../core/errors.ts';
import type { ErrorListener, Logger } from '../core/logger.ts';
import { callable, clockOption } from '../core/option-schemas.ts';
import { check } from '../core/schema.ts';
import type { GateFunction } from '../registry/custom-gate.ts';

/** Who looks at a page, or changes something by it. */
export interface UiIdentity {
  /** Names who it is; stands in the history of what they change. */
  readonly actor: string;
}

/** What a request is about to do. */
export interface UiAccess {
  /** Looks at a page, or changes which version of a model is in a stage. */
  readonly action: 'read' | 'promote' | 'rollback';
  /** The model that is changed; absent for pages. */
  readonly model?: string | undefined;
}

/** What became of a question for leave: who has it, `null` when nobody can tell who asks (401), or `'forbidden'` when they may not (403). */
export type UiVerdict = UiIdentity | null | 'forbidden';

/** Decides whether a request may do something, and says who makes it. The body of the request is not its to read. When it throws, the request is refused. */
export type UiAuthorize = (request: Request, access: UiAccess) => UiVerdict | Promise<UiVerdict>;

/** How much is sent at once. */
export interface UiLimits {
  /** Pages that are kept up to date at once by streams; further ones look anew when they are loaded. @default 16 */
  readonly liveStreams?: number | undefined;
  /** Longest path and query, in characters; longer ones get 414. @default 8192 */
  readonly urlLength?: number | undefined;
  /** Most points of a curve that a page has; it says when these are not all. @default 1500 */
  readonly points?: number | undefined;
  /** Most bytes of an artifact that are shown as text; all of it can be downloaded. @default 256 KiB */
  readonly previewBytes?: number | undefined;
}

/** How the pages over a store are served. */
export interface UiHandlerOptions {
  /** Is asked before each request is answered, and says who makes it. @default everyone that reaches the handler may read, and with `write` change, as `actor` */
  readonly authorize?: UiAuthorize | undefined;
  /** Who stands in the history of what is changed, without `authorize`. @default 'modelkeep ui' */
  readonly actor?: string | undefined;
  /** Whether versions can be promoted and rolled back. @default false */
  readonly write?: boolean | undefined;
  /** What stands before all paths, such as `/mlops`. @default '' */
  readonly basePath?: string | undefined;
  /**
   * The names of the host that requests may be sent to, without a port: a page of elsewhere whose name is made to lead here is refused. `'any'` leaves this to what the handler is mounted in, and takes an `authorize`.
   *
   * @default ['localhost', '127.0.0.1', '[::1]']
   */
  readonly hosts?: readonly string[] | 'any' | undefined;
  /** The time zone of all times, as in the IANA database. @default 'UTC' */
  readonly timeZone?: string | undefined;
  /** The functions behind `gates.custom(name)`, by name. @default none: such gates fail */
  readonly gates?: Readonly<Record<string, GateFunction>> | undefined;
  /** Bounds on what a page has. @default see each */
  readonly limits?: UiLimits | undefined;
  /** @default the host's */
  readonly clock?: Clock | undefined;
  /** Is told of failures, with the id that the page shows. @default none */
  readonly logger?: Logger | undefined;
  /** Is given the errors that a page does not show in full. @default none */
  readonly onError?: ErrorListener | undefined;
}

/** The limits with their defaults. */
export type CheckedLimits = { readonly [Name in keyof UiLimits]-?: number };

/** The names of one's own machine. */
const loopbackHosts: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

const count = z.optional(z.int().check(z.minimum(1)));
const optionsSchema = z.strictObject({
  authorize: z.optional(callable<UiAuthorize>()),
  actor: z.optional(z.string().check(z.minLength(1), z.maxLength(200))),
  write: z.optional(z.boolean()),
  basePath: z.optional(z.string()),
  hosts: z.optional(z.union([z.literal('any'), z.array(z.string()).check(z.minLength(1))])),
  timeZone: z.optional(z.string()),
  gates: z.optional(z.record(z.string(), callable<GateFunction>())),
  limits: z.optional(z.strictObject({ liveStreams: count, urlLength: z.optional(z.int().check(z.minimum(256))), points: z.optional(z.int().check(z.minimum(10), z.maximum(100_000))), previewBytes: count })),
  clock: clockOption,
  logger: z.optional(z.unknown()),
  onError: z.optional(callable<ErrorListener>()),
});

/** Options as the handler uses them. */
export interface CheckedUiOptions extends Omit<UiHandlerOptions, 'limits' | 'hosts'> {
  readonly actor: string;
  readonly write: boolean;
  readonly basePath: string;
  /** In lower case; `undefined` when any will do. */
  readonly hosts: ReadonlySet<string> | undefined;
  readonly timeZone: string;
  readonly limits: CheckedLimits;
}

/** Checks what a handler is made with. */
export function checkUiOptions(options: UiHandlerOptions): CheckedUiOptions {
  check(optionsSchema, options, 'options');
  const { actor = 'modelkeep ui', write = false, basePath = '', hosts = loopbackHosts, timeZone = 'UTC', limits = {}, ...rest } = options;
  if (!/^(?:\/[A-Za-z0-9._~-]+)*$/.test(basePath) || /\/\.\.?(?:\/|$)/.test(basePath)) {
    throw new ValidationError("options.basePath must be empty, or a path such as '/mlops' with no slash at its end.", { path: 'options.basePath' });
  }
  if (hosts === 'any' && rest.authorize === undefined) {
    throw new ValidationError("options.hosts is 'any' without options.authorize: any page that a browser shows could then read the store. Give authorize, or name the hosts.", { path: 'options.hosts' });
  }
  assertTimeZone(timeZone);
  return {
    ...rest,
    ...{ actor, write, basePath, timeZone },
    hosts: hosts === 'any' ? undefined : new Set(hosts.map((host) => host.toLowerCase())),
    limits: { liveStreams: limits.liveStreams ?? 16, urlLength: limits.urlLength ?? 8192, points: limits.points ?? 1500, previewBytes: limits.previewBytes ?? 256 * 1024 },
  };
}

function assertTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch (cause) {
    throw new ValidationError(`options.timeZone is '${timeZone}', which is no time zone; give one such as 'Europe/Paris'.`, { path: 'options.timeZone', cause });
  }
}

import type * as z from 'zod/mini';
import type { Answer } from './answer.ts';
import type { Call } from './call.ts';

/** The methods that routes have; HEAD is answered like GET. */
export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** What an answer of a route looks like, for the description of the protocol. */
export interface RouteAnswer {
  readonly description: string;
  /** Media type of the body. @default 'application/json' where there is a schema, none otherwise */
  readonly type?: string | undefined;
  readonly schema?: z.ZodMiniType | undefined;
  /** What its headers say, by their names. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** One thing that can be asked for: what checks the request also describes it. */
export interface Route {
  readonly method: Method;
  /** Below the version, such as `/records/{key}`; a last `{key}` takes slashes, too. */
  readonly path: string;
  /** Name of the operation in the description. */
  readonly id: string;
  readonly summary: string;
  /** Tells nothing of the store and so needs no leave and no place among the requests in flight. @default false */
  readonly open?: boolean | undefined;
  readonly query?: z.ZodMiniType | undefined;
  /** What the headers of the request say, by their names. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: { readonly description: string; readonly type: string; readonly schema?: z.ZodMiniType | undefined } | undefined;
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  handle(call: Call): Promise<Answer>;
}

import type { MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { User } from './settings.ts';

/** What a route knows of its caller. */
export interface Caller {
  Variables: { user: User };
}

/** Says whose token it is. In earnest this asks the identity provider. */
export type FindUser = (token: string) => User | undefined;

// #region auth
/** Lets nobody pass who is not known, and tells the routes who it is. */
export function authenticate(findUser: FindUser): MiddlewareHandler<Caller> {
  return async (c, next) => {
    const user = findUser(/^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '');
    if (user === undefined) throw new HTTPException(401, { message: 'Send a token that is known here: Authorization: Bearer …' });
    c.set('user', user);
    await next();
  };
}

/** Lets only those pass who have one of these roles. */
export function only(...roles: readonly User['role'][]): MiddlewareHandler<Caller> {
  return async (c, next) => {
    const { name, role } = c.get('user');
    if (!roles.includes(role)) throw new HTTPException(403, { message: `${name} is ${role}; this is for ${roles.join(' or ')}.` });
    await next();
  };
}
// #endregion auth

import type { Authorize } from 'modelkeep/server';

// #region authorize
interface User {
  readonly actor: string;
  readonly team: string;
  readonly role: 'reader' | 'writer' | 'maintainer';
}

/** In earnest this asks the identity provider, or verifies the signature of the token, and remembers the outcome for as long as the token is valid. */
export type FindUser = (token: string) => User | undefined;

export function authorizeBy(findUser: FindUser): Authorize {
  return (request, { action, kind, workspace }) => {
    const user = findUser(/^Bearer (.+)$/.exec(request.headers.get('authorization') ?? '')?.[1] ?? '');
    if (user === undefined) return null; // 401
    const mayLook = workspace === undefined || workspace === user.team;
    const mayChange = user.role === 'maintainer' || (user.role === 'writer' && action !== 'delete' && kind !== 'model');
    const looks = action === 'read' || action === 'list';
    return mayLook && (looks || mayChange) ? { actor: user.actor } : 'forbidden'; // 403
  };
}
// #endregion authorize

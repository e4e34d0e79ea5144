/** What is asked of the `location` of a page or worker. */
export interface PageLocation {
  readonly origin: string;
  readonly pathname: string;
}

// A part of a path that is long and mixes letters and digits is a key of some sort: of a session, an invitation, a person.
const keyLike = /^(?=[^/]*\d)(?=[^/]*[A-Za-z])[\w.~-]{20,}$/;
const fileName = /\.[A-Za-z]{2,5}$/;

/**
 * The address of a page, for a record that others will read: origin and path, without query, fragment and user; what follows `;` in a part of the path is left out, and a part that looks like a key is `[redacted]`. `undefined` for
 * pages that have no address of their own, such as those of `data:` and `blob:`.
 */
export function pageAddress(location: PageLocation | undefined): string | undefined {
  if (location === undefined || location.origin === 'null' || !location.pathname.startsWith('/')) return undefined;
  const parts = location.pathname.split('/').map((part) => part.split(/;|%3B/i)[0]!);
  return location.origin + parts.map((part) => (keyLike.test(part) && !fileName.test(part) ? '[redacted]' : part)).join('/');
}

/** The address of a remote without user and password, which a bundler may have found in it. */
export function withoutCredentials(remote: string): string {
  return remote.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
}

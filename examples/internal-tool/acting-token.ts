import { createHmac, timingSafeEqual } from 'node:crypto';

// #region token
/** A token by which the tool says to the store's server for whom it acts. Whoever does not know the secret can make none. */
export function actingToken(secret: string, actor: string): string {
  return `${Buffer.from(actor).toString('base64url')}.${signatureOf(secret, actor)}`;
}

/** For whom a token acts; `undefined` when it was not made with the secret. */
export function actorOf(secret: string, token: string): string | undefined {
  const [name = '', signature = ''] = token.split('.');
  const actor = Buffer.from(name, 'base64url').toString();
  const expected = Buffer.from(signatureOf(secret, actor));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected) ? actor : undefined;
}
// #endregion token

function signatureOf(secret: string, actor: string): string {
  return createHmac('sha256', secret).update(actor).digest('base64url');
}

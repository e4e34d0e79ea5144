import type { FindUser } from './authorize.ts';

const users = JSON.parse(process.env['MODEL_USERS'] ?? '{}') as Readonly<Record<string, ReturnType<FindUser>>>;

/** Finds users by their tokens in the variable `MODEL_USERS`, such as `{"s3cret":{"actor":"ada","team":"fraud","role":"writer"}}`. */
export const findUser: FindUser = (token) => (Object.hasOwn(users, token) ? users[token] : undefined);

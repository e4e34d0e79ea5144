import { StorageError } from '../../core/errors.ts';

/** What a server is shown to know who calls: a text, or a function that gives one, or `undefined` for nobody. */
export type Token = string | (() => string | undefined | Promise<string | undefined>);

/** A token that is asked for once and kept, and asked for again when a server refuses it: once for all calls that it refused. */
export class TokenSource {
  readonly #token: Token | undefined;
  #current: Promise<string | undefined> | undefined;

  constructor(token: Token | undefined) {
    this.#token = token;
  }

  get(): Promise<string | undefined> {
    return this.#current ?? this.#askAndKeep();
  }

  /** Replaces a token that was refused, unless that was done already. Says whether there is another one now. */
  async renew(refused: string | undefined): Promise<boolean> {
    if (typeof this.#token !== 'function') return false;
    const present = this.#current;
    // While it is being asked for, nobody can have been refused it.
    if ((await present) === refused && this.#current === present) return (await this.#askAndKeep()) !== refused;
    return (await this.get()) !== refused;
  }

  #askAndKeep(): Promise<string | undefined> {
    const asked = this.#ask();
    this.#current = asked;
    // A failure is not kept; whoever waits for it is told.
    asked.catch(() => {
      if (this.#current === asked) this.#current = undefined;
    });
    return asked;
  }

  async #ask(): Promise<string | undefined> {
    let token: unknown;
    try {
      token = typeof this.#token === 'function' ? await this.#token() : this.#token;
    } catch (cause) {
      throw new StorageError('unauthorized', 'The token could not be had: the function given as token failed.', { cause });
    }
    // The host would put what it cannot send into the message of its error.
    if (token === undefined || (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token))) return token;
    throw new StorageError('unauthorized', 'The token is not a text that a header can hold: visible characters of ASCII without spaces.');
  }
}

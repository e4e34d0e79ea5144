import { fromBase64, toBase64, utf8 } from '../../core/bytes.ts';
import { UnsupportedError, ValidationError } from '../../core/errors.ts';

// Fewer are guessed too easily, and longer ones are hashed anyway (Standard Webhooks, "Signature scheme").
const [leastBytes, mostBytes] = [24, 64];
// Who sends more signatures than secrets are ever rotated wants work done, not a message heard.
const mostSignatures = 10;

/** What is signed. */
export interface SignedContent {
  readonly id: string;
  /** Epoch seconds, as in the header. */
  readonly timestamp: string;
  readonly body: Uint8Array;
}

// The name of the type is not known to every host's declarations.
type HmacKey = Parameters<typeof crypto.subtle.verify>[1];

/** The keys behind one or several secrets. Nothing of a secret reaches a message. */
export class WebhookKeys {
  readonly #secrets: readonly Uint8Array<ArrayBuffer>[];
  #keys: Promise<readonly HmacKey[]> | undefined;

  /** Throws `ValidationError` for what is no secret, `UnsupportedError` where the host has no WebCrypto. */
  constructor(secret: string | readonly string[]) {
    const secrets = typeof secret === 'string' ? [secret] : secret;
    if (!Array.isArray(secrets) || secrets.length === 0) throw new ValidationError('options.secret must be a text, or an array of at least one.', { path: 'options.secret' });
    this.#secrets = (secrets as readonly unknown[]).map((each, i) => secretBytes(each, typeof secret === 'string' ? 'options.secret' : `options.secret[${i}]`));
    if ((globalThis as { crypto?: { subtle?: unknown } }).crypto?.subtle === undefined) {
      throw new UnsupportedError('Webhooks are signed with WebCrypto, which this host lacks; a page has it over HTTPS alone.');
    }
  }

  /** The value of `webhook-signature`: one signature per secret. */
  async sign(content: SignedContent): Promise<string> {
    const bytes = signedBytes(content);
    const signatures = (await this.#imported()).map(async (key) => `v1,${toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', key, bytes)))}`);
    return (await Promise.all(signatures)).join(' ');
  }

  /** Whether one of the signatures in a header is one of these secrets'. Compares in constant time. */
  async verify(content: SignedContent, header: string): Promise<boolean> {
    const bytes = signedBytes(content);
    const keys = await this.#imported();
    const given = header.split(' ').filter((each) => each.startsWith('v1,')).slice(0, mostSignatures);
    const checks = given.flatMap((each) => {
      const signature = decoded(each.slice(3));
      return signature === undefined ? [] : keys.map((key) => crypto.subtle.verify('HMAC', key, signature, bytes));
    });
    return (await Promise.all(checks)).includes(true);
  }

  #imported(): Promise<readonly HmacKey[]> {
    this.#keys ??= Promise.all(this.#secrets.map((bytes) => crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])));
    return this.#keys;
  }
}

function secretBytes(secret: unknown, path: string): Uint8Array<ArrayBuffer> {
  const bytes = typeof secret === 'string' ? decoded(secret.replace(/^whsec_/, '')) : undefined;
  if (bytes !== undefined && bytes.length >= leastBytes && bytes.length <= mostBytes) return bytes;
  throw new ValidationError(`${path} must be 'whsec_' and ${leastBytes} to ${mostBytes} random bytes in Base64, such as \`whsec_$(openssl rand -base64 32)\` gives.`, { path });
}

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/.test(text)) return undefined;
  return fromBase64(text);
}

function signedBytes({ id, timestamp, body }: SignedContent): Uint8Array<ArrayBuffer> {
  const head = utf8(`${id}.${timestamp}.`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

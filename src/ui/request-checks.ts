import { Refusal } from './refusal.ts';

/** Refuses a request that was sent under a name which is not the host's own: a page of elsewhere whose name was made to lead here (DNS rebinding). */
export function assertHost(request: Request, hosts: ReadonlySet<string> | undefined): void {
  if (hosts === undefined) return;
  const host = hostOf(request).replace(/:\d{1,5}$/, '').toLowerCase();
  if (!hosts.has(host)) throw new Refusal(421, 'This request was sent to another host.', { advice: 'Open the address that was printed when the page was started.' });
}

/** Refuses a change that did not come from a page of our own. Browsers say where a request comes from, and what says nothing is no browser that another page could use. */
export function assertOwnOrigin(request: Request): void {
  const site = request.headers.get('sec-fetch-site');
  const origin = request.headers.get('origin');
  const foreign = (site !== null && site !== 'same-origin') || (origin !== null && originHost(origin) !== hostOf(request).toLowerCase()) || (site === null && origin === null);
  if (foreign) throw new Refusal(403, 'This change was not asked for by a page of this server.', { advice: 'Open the page of the version here, and use its form.' });
}

/** Whether two texts are the same, in a time that does not tell how far they are. */
export function sameSecret(a: string, b: string): boolean {
  let different = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) different |= a.charCodeAt(i) ^ b.charCodeAt(i % Math.max(1, b.length));
  return different === 0;
}

/** The fields of a form that was sent. Throws a 415 for another content, and a 413 for one that is too large. */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) throw new Refusal(415, 'A change is sent as a form.');
  return new URLSearchParams(await readText(request, 16 * 1024));
}

async function readText(request: Request, limit: number): Promise<string> {
  const reader = request.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  if (reader === undefined) return '';
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw new Refusal(400, 'The form did not come whole.', { advice: 'Send it again.', cause });
    });
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new Refusal(413, `The form is too large: at most ${limit} bytes are taken.`);
    }
    text += decoder.decode(value, { stream: true });
  }
}

function hostOf(request: Request): string {
  // Where a host hides the header, as the standard's own Request does, its URL was made of it.
  return request.headers.get('host') ?? new URL(request.url).host;
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

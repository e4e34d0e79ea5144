import { isModelkeepError, type ErrorCode } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import { reportFailure } from '../core/report-failure.ts';
import { html } from '../report/markup/html.ts';
import type { UiPage } from './call.ts';
import { Refusal } from './refusal.ts';
import type { CheckedUiOptions } from './ui-options.ts';

/** A page that says what went wrong and what to do. */
export interface ErrorPage {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly page: UiPage;
}

interface Told {
  readonly status: number;
  readonly title: string;
  /** What to do. */
  readonly advice: string;
  /** Whether the error's own words are about what the reader asked for. */
  readonly own?: boolean;
}

const told: Partial<Record<ErrorCode, Told>> = {
  validation: { status: 400, title: 'This cannot be shown', advice: 'Mend what the message names, or go back.', own: true },
  'not-found': { status: 404, title: 'Not found', advice: 'It may have been deleted, or be in another store.', own: true },
  conflict: { status: 409, title: 'Something else came first', advice: 'Load the page anew, and decide by what it says now.', own: true },
  gate: { status: 422, title: 'The gates refused it', advice: 'Mend what the failed gates name, or ask whoever set the policy.', own: true },
  unsupported: { status: 501, title: 'The store cannot do this', advice: 'Use a store that can.', own: true },
  integrity: { status: 500, title: 'Stored data is damaged', advice: 'Run `npx modelkeep store check` to see all that is damaged, and restore it from a copy. What is whole can still be looked at.' },
  'unknown-store-version': { status: 501, title: 'The store is of a newer format', advice: 'Update modelkeep: `npm install modelkeep@latest`. Nothing was changed in the store.' },
  'not-a-store': { status: 500, title: 'This is no store', advice: 'Name the directory or the server that your programs write to, by --store or MODELKEEP_STORE.' },
  storage: { status: 500, title: 'The store fails', advice: 'See whether its files are still where they were and can be read, then start the pages anew, with --store where they were moved.' },
  'storage-full': { status: 507, title: 'No space is left in the store', advice: 'Free some space and try again.' },
  timeout: { status: 504, title: 'The store took too long', advice: 'Load the page again in a while.' },
  unavailable: { status: 503, title: 'The store cannot be reached', advice: 'See whether its server runs and this machine has a network, then load the page again.' },
  closed: { status: 503, title: 'The store is closed', advice: 'Start `npx modelkeep ui` again.' },
  aborted: { status: 503, title: 'This was given up', advice: 'Load the page again.' },
  unauthorized: { status: 502, title: 'The store does not know who asks', advice: 'Give a token that its server knows, by MODELKEEP_TOKEN.' },
  forbidden: { status: 502, title: 'The store refuses this', advice: 'Ask whoever runs its server for leave.' },
};

/** Says of a failure what its reader may know; the rest goes to the log, under an id that the page shows. */
export function errorPage(error: unknown, options: Pick<CheckedUiOptions, 'logger' | 'onError'>, secrets: readonly string[]): ErrorPage {
  if (error instanceof Refusal) {
    const { status, headers, message, advice } = error;
    return { status, headers, page: pageOf(titles[status] ?? 'This cannot be shown', message, advice) };
  }
  const known = isModelkeepError(error) ? told[error.code] : undefined;
  if (known?.own && isModelkeepError(error)) {
    return { status: known.status, headers: {}, page: pageOf(known.title, withoutPlaces(error.message, secrets), known.advice) };
  }
  const id = newId();
  reportFailure(error, { who: `The pages (error ${id})`, logger: options.logger, onError: options.onError });
  const where = isModelkeepError(error) && typeof error.details.key === 'string' && /^[a-z0-9._:-]+(?:\/[a-z0-9._-]+)*$/.test(error.details.key) ? ` It is about ${error.details.key}.` : '';
  const { status, title, advice } = known ?? { status: 500, title: 'This page could not be made', advice: 'Load it again; if it stays so, what was logged says why.' };
  const headers = status === 503 ? { 'retry-after': '2' } : {};
  return { status, headers, page: pageOf(title, `The log has the reason under ${id}.${where}`, advice) };
}

const titles: Readonly<Record<number, string>> = {
  400: 'This address cannot be read',
  401: 'Who are you?',
  403: 'This was refused',
  404: 'Not found',
  405: 'This cannot be done here',
  413: 'Too large',
  414: 'The address is too long',
  415: 'This cannot be read',
  421: 'This is another host',
  503: 'Too busy',
};

function pageOf(title: string, message: string, advice: string | undefined): UiPage {
  // What is wrong with a text is shown beneath it, character by character.
  const [first, ...rest] = message.split('\n');
  return { title, trail: [], body: html`<p class="message" dir="auto">${first}</p>${rest.length > 0 && html`<pre class="text" tabindex="0">${rest.join('\n')}</pre>`}${advice !== undefined && html`<p>${marked(advice)}</p>`}` };
}

/** What stands between backticks is a command. */
function marked(text: string): (string | ReturnType<typeof html>)[] {
  return text.split('`').map((piece, i) => (i % 2 === 1 ? html`<code>${piece}</code>` : piece));
}

/** Takes out where the store lies, which is nobody's business who looks at a page. */
function withoutPlaces(message: string, secrets: readonly string[]): string {
  return secrets.reduce((text, secret) => text.replaceAll(secret, 'the store'), message);
}

/** What of the name of a store tells where it lies. */
export function placesOf(name: string): readonly string[] {
  const place = name.slice(name.indexOf(' ') + 1);
  return /[/\\:]/.test(place) ? [name, place] : [];
}

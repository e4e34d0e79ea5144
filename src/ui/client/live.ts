import { followPlots } from '../../report/client/plots.ts';
import { makeSortable } from '../../report/client/tables.ts';
import { loadChart, loadCharts } from './charts.ts';
import { readerState } from './reader-state.ts';

/** Brings a page up to date whenever its stream tells of a change, for as long as it is seen. */
export function followChanges(): void {
  const main = document.querySelector<HTMLElement>('main[data-live]');
  const status = document.querySelector<HTMLElement>('[data-live-status]');
  if (main === null || status === null) return;
  const say = (text: string): void => void (status.textContent = text);
  let events: EventSource | undefined;
  let wanted = false;
  let updating = false;
  const update = async (): Promise<void> => {
    wanted = true;
    // What changes meanwhile is looked at once more.
    if (updating) return;
    updating = true;
    while (wanted) {
      wanted = false;
      const found = await refresh().catch(() => false);
      say(found ? `Up to date since ${new Date().toLocaleTimeString()}.` : 'The server does not answer; this is how it was.');
    }
    updating = false;
  };
  const open = (): void => {
    let first = true;
    events = new EventSource(main.dataset['live']!);
    events.addEventListener('change', () => void update());
    events.addEventListener('open', () => {
      // What changed while there was no stream is not told by it.
      if (!first) void update();
      first = false;
      say('Kept up to date.');
    });
    events.addEventListener('error', () => say(events?.readyState === EventSource.CLOSED ? 'Not kept up to date: too many pages are. Load it again to see what is new.' : 'The server does not answer; this is how it was.'));
  };
  // A page that nobody sees holds no stream.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) events?.close();
    else {
      open();
      void update();
    }
  });
  if (!document.hidden) open();
}

/** Takes over the parts of the page that are not what they were. What the reader has chosen, opened and focused stays. */
async function refresh(): Promise<boolean> {
  const response = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (!response.ok) return false;
  const text = await response.text();
  // Its style has a nonce of its own, which the policy of this page does not know.
  const next = new DOMParser().parseFromString(text.slice(text.indexOf('<body>')), 'text/html');
  for (const part of document.querySelectorAll<HTMLElement>('.live-part')) {
    const now = next.getElementById(part.id);
    if (now === null || (part.dataset['was'] ?? part.innerHTML) === now.innerHTML) continue;
    replace(part, now);
  }
  loadCharts(document);
  await Promise.all([...document.querySelectorAll<HTMLElement>('.lazy.loaded')].map(loadChart));
  return true;
}

function replace(part: HTMLElement, now: HTMLElement): void {
  const restore = readerState(part);
  const text = now.innerHTML;
  part.replaceChildren(...now.childNodes);
  part.dataset['was'] = text;
  makeSortable(part);
  followPlots(part);
  restore();
}

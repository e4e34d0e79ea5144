import { followPlots } from '../../report/client/plots.ts';
import { readerState } from './reader-state.ts';

/** Loads charts when they come into view, some at a time. */
export function loadCharts(root: ParentNode): void {
  const places = [...root.querySelectorAll<HTMLElement>('.lazy[data-part]:not(.loaded)')];
  if (places.length === 0) return;
  const seen = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        void loadChart(target as HTMLElement);
      }
    },
    { rootMargin: '300px' },
  );
  for (const place of places) seen.observe(place);
}

/** Loads a chart anew that is shown already; it stays as it is until the new one is there. */
export async function loadChart(place: HTMLElement): Promise<void> {
  const part = await partAt(place.dataset['part']!).catch(() => undefined);
  if (part === undefined) {
    place.classList.add('failed');
    return;
  }
  const restore = readerState(place);
  const title = place.querySelector<HTMLAnchorElement>(':scope > a') ?? undefined;
  place.replaceChildren(...(title ? [title] : []), ...part);
  place.classList.add('loaded');
  place.classList.remove('failed');
  followPlots(place);
  restore();
}

async function partAt(url: string): Promise<readonly Node[]> {
  const response = await fetch(url, { headers: { accept: 'text/html' } });
  if (!response.ok) throw new Error(String(response.status));
  return [...new DOMParser().parseFromString(await response.text(), 'text/html').body.childNodes];
}

import { html, type Html } from '../markup/html.ts';
import { px } from './shapes.ts';

/** A small drawing that says what something came to, beside the word for it: none needs its colour to be told from the others. */
export type Sign = 'check' | 'cross' | 'dash' | 'blocked' | 'pause' | 'stop' | 'ring' | 'dots' | 'diamond' | 'up' | 'down';

const outlines: Readonly<Record<Sign, string>> = {
  check: 'm-5 0l3.5 4l6-8',
  cross: 'm-4-4l8 8m0-8l-8 8',
  dash: 'm-5 0h10',
  blocked: 'm-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0m1.5-3.5l7 7',
  pause: 'm-3-4.5v9m6-9v9',
  stop: 'm-4-4h8v8h-8z',
  ring: 'm-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0',
  dots: 'm-5 0h.01m4.99 0h.01m4.99 0h.01',
  diamond: 'm0-5.5l5.5 5.5l-5.5 5.5l-5.5-5.5z',
  up: 'm0-5l5 9h-10z',
  down: 'm0 5l5-9h-10z',
};

/** A sign around a point, in the colour of what it stands in. */
export function signAt(sign: Sign, x: number, y: number): Html {
  return html`<path d="M${px(x)} ${px(y)}${outlines[sign]}" fill="none" stroke="currentColor" stroke-width="${sign === 'dots' ? 3 : 2}" stroke-linecap="round" stroke-linejoin="round"/>`;
}

import { html, type Html } from '../markup/html.ts';
import { fontSize } from '../svg/axes.ts';
import { px } from '../svg/shapes.ts';
import { textWidth } from '../svg/text.ts';

/** What one sign of a picture means. `draw` puts it around a point, at most 24 wide and 14 high. */
export interface SignMeaning {
  readonly name: string;
  readonly draw: (x: number, y: number) => Html;
}

const rowHeight = 20;
const signRoom = 36;

/** Says what the signs of a picture mean, side by side in as many rows as they take. */
export function signLegend(meanings: readonly SignMeaning[], width: number): { readonly height: number; readonly draw: (top: number) => Html } {
  let x = 0;
  let row = 0;
  const placed = meanings.map((meaning) => {
    const size = signRoom + textWidth(meaning.name, fontSize) + 16;
    if (x > 0 && x + size > width) {
      x = 0;
      row++;
    }
    const at = { meaning, x, row };
    x += size;
    return at;
  });
  const draw = (top: number): Html =>
    html`<g class="legend">${placed.map(({ meaning, x: left, row: line }) => {
      const middle = top + (line + 0.5) * rowHeight;
      return html`${meaning.draw(left + 14, middle)}<text x="${px(left + signRoom)}" y="${px(middle + 4)}">${meaning.name}</text>`;
    })}</g>`;
  return { height: meanings.length === 0 ? 0 : (row + 1) * rowHeight + 4, draw };
}

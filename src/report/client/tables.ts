/** Makes the heads of marked tables sort them, and gives them a field that filters. */
export function makeSortable(root: ParentNode): void {
  for (const table of root.querySelectorAll<HTMLTableElement>('table[data-sortable]')) {
    const body = table.tBodies[0];
    if (body === undefined || body.rows.length < 2) continue;
    const heads = [...table.tHead!.rows[0]!.cells];
    heads.forEach((head, column) => sortBy(head, () => sort(heads, body, column)));
    if (body.rows.length > 10) addFilter(table, body);
  }
}

function sortBy(head: HTMLTableCellElement, onClick: () => void): void {
  const button = document.createElement('button');
  button.type = 'button';
  button.append(...head.childNodes);
  button.addEventListener('click', onClick);
  head.append(button);
}

function sort(heads: readonly HTMLTableCellElement[], body: HTMLTableSectionElement, column: number): void {
  const head = heads[column]!;
  const down = head.ariaSort === 'ascending';
  for (const each of heads) each.ariaSort = null;
  head.ariaSort = down ? 'descending' : 'ascending';
  const keyed = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[column]) }));
  keyed.sort((a, b) => absence(a.key) - absence(b.key) || compared(a.key, b.key) * (down ? -1 : 1));
  body.append(...keyed.map(({ row }) => row));
}

function keyOf(cell: HTMLTableCellElement | undefined): string {
  return cell?.dataset['sort'] ?? cell?.textContent ?? '';
}

/** A number as tables show it; NaN for other texts. */
function numberOf(text: string): number {
  return Number(text.replace('∞', 'Infinity').replace(/,(?=\d{3})/g, ''));
}

/** What is no number and what is not there come last in both directions. */
function absence(key: string): number {
  return key === '' ? 2 : key === 'NaN' ? 1 : 0;
}

function compared(a: string, b: string): number {
  const difference = numberOf(a) - numberOf(b);
  return difference === difference ? difference : a.localeCompare(b, undefined, { numeric: true });
}

function addFilter(table: HTMLTableElement, body: HTMLTableSectionElement): void {
  const caption = table.caption?.textContent ?? 'table';
  const field = Object.assign(document.createElement('input'), { type: 'search', placeholder: 'Filter rows', ariaLabel: `Filter ${caption}` });
  const count = Object.assign(document.createElement('span'), { className: 'muted', role: 'status' });
  const tools = Object.assign(document.createElement('div'), { className: 'tools' });
  const texts = new Map([...body.rows].map((row) => [row, row.textContent.toLowerCase()]));
  field.addEventListener('input', () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const [row, text] of texts) {
      row.hidden = !words.every((word) => text.includes(word));
      if (!row.hidden) left++;
    }
    count.textContent = words.length === 0 ? '' : `${left} of ${texts.size} rows`;
  });
  tools.append(field, count);
  (table.closest('.scroll') ?? table).before(tools);
}

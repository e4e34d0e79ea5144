/** What a reader has chosen, opened, focused, sorted, filtered and scrolled in a part of a page. Gives what brings that about again in what takes its place. */
export function readerState(part: HTMLElement): () => void {
  const chosen = new Set(checkedOf(part).map(nameOf));
  const opened = new Set([...part.querySelectorAll('details')].filter(({ open }) => open).map(nameOfDetails));
  const scrolled = framesOf(part).map(({ scrollLeft, scrollTop }) => [scrollLeft, scrollTop] as const);
  const sorted = sortHeads(part).flatMap((head, i) => (head.ariaSort === null ? [] : [[i, head.ariaSort] as const]));
  const filters = fieldsOf(part).map(({ ariaLabel, value }) => [ariaLabel, value] as const);
  const find = part.contains(document.activeElement) ? finderOf(part, document.activeElement as HTMLElement) : undefined;
  return () => {
    for (const input of part.querySelectorAll<HTMLInputElement>('input[type=checkbox]')) input.checked = chosen.has(nameOf(input));
    for (const details of part.querySelectorAll('details')) details.open = opened.has(nameOfDetails(details));
    for (const [i, order] of sorted) sortAs(sortHeads(part)[i], order);
    for (const [label, value] of filters) filterBy(fieldsOf(part).find(({ ariaLabel }) => ariaLabel === label), value);
    framesOf(part).forEach((frame, i) => frame.scrollTo(...(scrolled[i] ?? [0, 0])));
    find?.()?.focus({ preventScroll: true });
  };
}

function checkedOf(part: HTMLElement): HTMLInputElement[] {
  return [...part.querySelectorAll<HTMLInputElement>('input:checked')];
}

function nameOf({ name, value }: HTMLInputElement): string {
  return `${name} ${value}`;
}

/** Its id, or what it is called in the part of the page that has one. */
function nameOfDetails(details: HTMLDetailsElement): string {
  return details.id || `${details.closest('[id]')?.id} ${details.querySelector('summary')?.textContent}`;
}

function framesOf(part: HTMLElement): HTMLElement[] {
  return [...part.querySelectorAll<HTMLElement>('.scroll, .plot')];
}

function fieldsOf(part: HTMLElement): HTMLInputElement[] {
  return [...part.querySelectorAll<HTMLInputElement>('input[type=search]')];
}

/** The heads that sort their table here, and not by a link. */
function sortHeads(part: HTMLElement): HTMLTableCellElement[] {
  return [...part.querySelectorAll<HTMLTableCellElement>('th:has(> button)')];
}

function sortAs(head: HTMLTableCellElement | undefined, order: string): void {
  const button = head?.querySelector('button');
  button?.click();
  if (head?.ariaSort !== order) button?.click();
}

function filterBy(field: HTMLInputElement | undefined, value: string): void {
  if (field === undefined || value === '') return;
  field.value = value;
  field.dispatchEvent(new Event('input'));
}

/** How an element is found again in what takes the place of the part. */
function finderOf(part: HTMLElement, element: HTMLElement): (() => HTMLElement | undefined) | undefined {
  const one = (selector: string) => (): HTMLElement | undefined => part.querySelector<HTMLElement>(selector) ?? undefined;
  if (element.id !== '') return one(`#${CSS.escape(element.id)}`);
  const details = element.closest('summary')?.parentElement;
  if (details instanceof HTMLDetailsElement) {
    const name = nameOfDetails(details);
    return () => [...part.querySelectorAll('details')].find((each) => nameOfDetails(each) === name)?.querySelector('summary') ?? undefined;
  }
  const head = element.closest<HTMLTableCellElement>('th:has(> button)');
  if (head !== null) return nth(() => sortHeads(part).map((each) => each.querySelector('button')!), element);
  if (element.matches('.scroll, .plot')) return nth(() => framesOf(part), element);
  for (const name of ['aria-label', 'href', 'value']) {
    const value = element.getAttribute(name);
    if (value !== null) return one(`${element.localName}[${name}="${CSS.escape(value)}"]`);
  }
  return undefined;
}

function nth(all: () => HTMLElement[], element: HTMLElement): () => HTMLElement | undefined {
  const place = all().indexOf(element);
  return () => all()[place];
}

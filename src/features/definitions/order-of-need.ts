import { canonicalJson } from '../../core/codec.ts';
import { ValidationError } from '../../core/errors.ts';
import type { Definition } from './definition.ts';
import type { OnDemandViewData } from './on-demand-view.ts';

/** Definitions so that each comes behind those it is made of. Throws `ValidationError`, naming the sides, when two have one name or on-demand views go into each other. */
export function inOrderOfNeed(definitions: readonly Definition[]): Definition[] {
  const views = new Map<string, Definition>();
  const others = new Map<string, Definition>();
  for (const definition of definitions) {
    const isView = definition.kind === 'feature-view' || definition.kind === 'on-demand-view';
    const names = isView ? views : others;
    const name = isView ? definition.name : `${definition.kind} ${definition.name}`;
    const other = names.get(name);
    if (other !== undefined && canonicalJson(other) !== canonicalJson(definition)) {
      throw new ValidationError(`Two definitions are called '${definition.name}': ${article(other)} and ${article(definition)} that differ. Give one of them another name.`, { path: definition.name });
    }
    names.set(name, definition);
  }
  const of = (kind: Definition['kind']): Definition[] => definitions.filter((definition) => definition.kind === kind);
  const computed = of('on-demand-view') as OnDemandViewData[];
  return [...of('entity'), ...of('feature-view'), ...inputsFirst(computed), ...of('feature-service'), ...of('check-suite')];
}

function article({ kind }: Definition): string {
  return `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind.replaceAll('-', ' ')}`;
}

function inputsFirst(views: readonly OnDemandViewData[]): OnDemandViewData[] {
  const byName = new Map(views.map((view) => [view.name, view]));
  const ordered = new Set<OnDemandViewData>();
  const visit = (view: OnDemandViewData, trail: readonly string[]): void => {
    if (ordered.has(view)) return;
    const path = [...trail, view.name];
    if (trail.includes(view.name)) throw new ValidationError(`On-demand views go into each other: ${path.slice(trail.indexOf(view.name)).join(' ← ')}. One of them must do without the other.`, { path: view.name });
    for (const input of Object.values(view.inputs)) {
      const source = byName.get(input.view);
      if (source !== undefined) visit(source, path);
    }
    ordered.add(view);
  };
  for (const view of views) visit(view, []);
  return [...ordered];
}

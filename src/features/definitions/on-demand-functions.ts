import type { Definition } from './definition.ts';
import { isOnDemandView, type OnDemandView } from './on-demand-view.ts';

/** The functions of on-demand views that this program has, by name and version. */
export class OnDemandFunctions {
  readonly #views = new Map<string, OnDemandView>();

  constructor(views: readonly OnDemandView[]) {
    for (const view of views) this.add(view);
  }

  /** Takes the function of an on-demand view; whatever else it is given, it leaves. */
  add(definition: Definition): void {
    if (definition.kind === 'on-demand-view' && isOnDemandView(definition)) this.#views.set(`${definition.name}@${definition.version}`, definition);
  }

  of(name: string, version: string): OnDemandView | undefined {
    return this.#views.get(`${name}@${version}`);
  }
}

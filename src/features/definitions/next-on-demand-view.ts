import { canonicalJson } from '../../core/codec.ts';
import { digestOf } from '../../core/digest.ts';
import { ConflictError, NotFoundError, ValidationError } from '../../core/errors.ts';
import type { RecordRef } from '../../core/record-ref.ts';
import type { Applied, Lookup } from './apply-definitions.ts';
import { isOnDemand, viewKey, type OnDemandViewState, type ViewState } from './definition-states.ts';
import type { FeatureInput } from './feature-input.ts';
import type { FeatureType } from './feature-type.ts';
import { featureTypeOf, type FeatureView } from './feature-view.ts';
import type { OnDemandViewData } from './on-demand-view.ts';

/** What an on-demand view makes of what is stored under its name: a version that is there already stays as it is. */
export async function nextOnDemandView(view: OnDemandViewData, lookup: Lookup): Promise<(state: ViewState | undefined, now: number) => Applied<OnDemandViewState>> {
  const digest = digestOf(canonicalJson(contentOf(view)));
  const uses: RecordRef[] = [];
  for (const [alias, input] of Object.entries(view.inputs)) uses.push(await inputOf(view, alias, input, lookup));
  return (state, now) => {
    if (state !== undefined && !isOnDemand(state)) {
      throw new ConflictError(`'${view.name}' is a feature view already, so no on-demand view can have that name; give it another.`, { key: view.name });
    }
    const { version } = view;
    const known = state?.versions.find((each) => each.version === version);
    if (known?.digest === digest) return { version, digest, change: 'unchanged', differences: [], uses };
    if (known !== undefined) {
      throw new ConflictError(
        `Version ${version} of the on-demand view '${view.name}' is stored with another definition: it was ${canonicalJson(contentOf(known.definition))} and would be ${canonicalJson(contentOf(view))}. Give the new one another version.`,
        { key: `${view.name}@${version}` },
      );
    }
    const versions = [...(state?.versions ?? []), { version, digest, at: now, definition: view }];
    return { state: { kind: 'on-demand-view', versions }, version, digest, change: state === undefined ? 'created' : 'extended', differences: [], uses };
  };
}

/** What a version stands for; what is only told of it may differ. */
function contentOf({ name, version, inputs, request, features }: OnDemandViewData): unknown {
  return { name, version, inputs, request, features };
}

/** The view that an input is of. Throws when it is not there, or the feature is another than the on-demand view takes it for. */
async function inputOf(view: OnDemandViewData, alias: string, input: FeatureInput, lookup: Lookup): Promise<RecordRef> {
  const path = `onDemandView(${view.name}).inputs.${alias}`;
  const state = await lookup<ViewState>(viewKey(input.view));
  if (state === undefined) throw new NotFoundError(`${path} is of the view '${input.view}', which is not defined; apply both together.`, { key: input.view, path });
  const last = state.versions.at(-1)!;
  const types: Readonly<Record<string, FeatureType>> = isOnDemand(state) ? state.versions.at(-1)!.definition.features : typesOf(state.versions.at(-1)!.view);
  const type = Object.hasOwn(types, input.feature) ? types[input.feature] : undefined;
  if (type === undefined) throw new NotFoundError(`${path} is '${input.view}:${input.feature}', and the view '${input.view}' has only ${Object.keys(types).join(', ')}.`, { key: `${input.view}:${input.feature}`, path });
  if (type !== input.type) throw new ValidationError(`${path} takes '${input.view}:${input.feature}' for ${input.type}, and the view '${input.view}' has it as ${type}.`, { path });
  return { kind: 'feature-view', id: input.view, version: last.version, digest: last.digest };
}

function typesOf(view: FeatureView): Record<string, FeatureType> {
  return Object.fromEntries(Object.keys(view.features).map((feature) => [feature, featureTypeOf(view, feature)]));
}

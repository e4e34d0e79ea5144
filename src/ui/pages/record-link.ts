import { describeRef, type RecordRef } from '../../core/record-ref.ts';
import type { Html } from '../../report/markup/html.ts';
import type { Links } from '../links.ts';
import { link, nameText } from '../page/table.ts';

/** A link to the page of a record, or its name where it has no page. */
export function recordLink(links: Links, ref: RecordRef): Html {
  const href = addressOf(links, ref);
  const text = describeRef(ref);
  return href === undefined ? nameText(text) : link(href, text);
}

function addressOf(links: Links, { kind, id, version }: RecordRef): string | undefined {
  switch (kind) {
    case 'experiment':
      return links.to('runs', { experiment: id });
    case 'run':
      return links.to('run', { id });
    case 'model':
      return links.to('model', { name: id });
    case 'model-version':
      return version === undefined ? links.to('model', { name: id }) : links.to('version', { model: id, version });
    case 'feature-view':
      return links.to('feature-view', { name: id });
    case 'pipeline':
      return links.to('pipeline', { name: id });
    case 'pipeline-run':
      return links.to('pipeline-run', { id });
    case 'monitor':
      return links.to('monitor', { name: id });
    case 'deployment':
      return links.to('rollout', { model: id });
    case 'abtest':
      return links.to('test', { name: id });
    default:
      return undefined;
  }
}

/** Texts by name; `null` takes one away. */
export type TagChanges = Readonly<Record<string, string | null>>;

/** The tags after the changes: the very ones that were given when nothing changes. */
export function changedTags(tags: Readonly<Record<string, string>>, changes: TagChanges | undefined): Readonly<Record<string, string>> {
  const changed = Object.entries(changes ?? {}).filter(([name, value]) => (Object.hasOwn(tags, name) ? tags[name] : null) !== value);
  if (changed.length === 0) return tags;
  const entries = new Map<string, string | null>([...Object.entries(tags), ...changed]);
  return Object.fromEntries([...entries].filter((entry): entry is [string, string] => entry[1] !== null));
}

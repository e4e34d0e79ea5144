/** Texts of Prometheus as one, in which each family has its help and type once, in front of all its samples. */
export function mergedMetrics(texts: readonly string[]): string {
  if (texts.length === 1) return texts[0]!;
  const families = new Map<string, { readonly head: Set<string>; readonly samples: string[] }>();
  for (const text of texts) {
    let samples: string[] | undefined;
    for (const line of text.split('\n')) {
      const [, name] = /^# (?:HELP|TYPE) (\S+)/.exec(line) ?? [];
      if (name === undefined) {
        if (line !== '') samples?.push(line);
        continue;
      }
      const family = families.get(name) ?? { head: new Set(), samples: [] };
      families.set(name, family);
      family.head.add(line);
      ({ samples } = family);
    }
  }
  return [...families.values()].flatMap(({ head, samples }) => [...head, ...samples]).map((line) => `${line}\n`).join('');
}

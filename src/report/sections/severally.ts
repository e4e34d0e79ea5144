import type { ReportContext } from '../page/context.ts';
import type { Section } from '../page/section.ts';

/** One of something, or a list of them. */
export type OneOrMore<T> = T | readonly T[];

/** Makes a section of each of one or several parts; the anchors are `id`, `id-2`, `id-3` and so on. */
export function severally<T extends object>(id: string, sectionOf: (part: T, context: ReportContext, id: string) => Section): (parts: OneOrMore<T>, context: ReportContext) => Section[] {
  return (parts, context) => {
    const list = Array.isArray(parts) ? (parts as readonly T[]) : [parts as T];
    const titles = new Set<string>();
    return list.map((part, i) => {
      const section = sectionOf(part, context, i === 0 ? id : `${id}-${i + 1}`);
      // Two of one name would not be told apart by who hears them.
      const told = titles.has(section.title) ? { ...section, title: `${section.title} (${i + 1})` } : section;
      titles.add(section.title);
      return told;
    });
  };
}

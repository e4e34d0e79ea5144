import * as z from 'zod/mini';

/** What people should know of a definition; it decides nothing. */
export interface DefinitionFacts {
  /** What it is and how it is meant. @default none */
  readonly description?: string | undefined;
  /** Who answers for it: a person, team or address. @default none */
  readonly owner?: string | undefined;
  /** Whatever else should be known of it. @default none */
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

const text = /* @__PURE__ */ z.string().check(z.minLength(1));

/** Schemas of the fields of {@link DefinitionFacts}. */
export const factFields: { readonly description: z.ZodMiniType; readonly owner: z.ZodMiniType; readonly tags: z.ZodMiniType } = {
  description: /* @__PURE__ */ z.optional(text),
  owner: /* @__PURE__ */ z.optional(text),
  tags: /* @__PURE__ */ z.optional(/* @__PURE__ */ z.record(text, /* @__PURE__ */ z.string())),
};

/** Only the facts of a definition. */
export function factsOf({ description, owner, tags }: DefinitionFacts): DefinitionFacts {
  return { description, owner, tags: tags && Object.keys(tags).length > 0 ? { ...tags } : undefined };
}

import * as z from 'zod';

const userSchema = z.strictObject({ name: z.string().min(1), role: z.enum(['viewer', 'engineer', 'approver']) });

const schema = z.object({
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  /** The store's server, such as https://mlops.example.test/api; without it one is begun on this machine. */
  STORE_URL: z.url().optional(),
  /** What the tool and the store's server both know, and nobody else. */
  STORE_SECRET: z.string().min(16).optional(),
  /** Who may come in, by token: JSON such as { "token": { "name": "ann", "role": "engineer" } }. */
  USERS: z.string().default('{}').transform((text, context) => {
    try {
      return z.record(z.string().min(16), userSchema).parse(JSON.parse(text));
    } catch (error) {
      context.addIssue({ code: 'custom', message: String(error) });
      return z.NEVER;
    }
  }),
});

/** Somebody who uses the tool. */
export type User = z.output<typeof userSchema>;

/** How the tool is run, as its environment says. */
export type Settings = z.output<typeof schema>;

/** Reads the environment; throws what is wrong with it, by name. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const { data, error } = schema.safeParse(environment);
  if (error) throw new Error(`The environment is not as it must be:\n${z.prettifyError(error)}`);
  if (data.STORE_URL !== undefined && data.STORE_SECRET === undefined) throw new Error('STORE_URL needs STORE_SECRET, by which its server knows this tool.');
  return data;
}

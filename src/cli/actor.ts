import type { CliHost } from './host.ts';
import { UsageError } from './usage-error.ts';

/** Who does what is done, for the history: `--by`, else the user that the system names. Throws `UsageError` where nobody is named. */
export function actorOf(by: string | undefined, { env }: Pick<CliHost, 'env'>): string {
  const actor = by ?? (env['USER'] || env['USERNAME']);
  if (actor) return actor;
  throw new UsageError('Nobody is named who does this; give --by NAME.');
}

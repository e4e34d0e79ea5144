import type { Registry } from '../../../index.ts';
import type { CommandCall } from '../../command.ts';

/** The registry of the store, with the gates of the user's module where one is given. */
export async function openRegistry({ storage, moduleIfGiven }: Pick<CommandCall, 'storage' | 'moduleIfGiven'>): Promise<Registry> {
  const { Registry } = await import('../../../index.ts');
  const store = await storage();
  const module = await moduleIfGiven();
  return new Registry({ storage: store, gates: module?.gates });
}

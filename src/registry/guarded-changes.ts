import type { OperationOptions } from '../core/progress.ts';
import type { StorageAdapter } from '../storage/contract.ts';
import type { RegistryChange, RegistryChangeInputs, RegistryChangeResults, RegistryChanges } from './registry-changes.ts';

/** Has the process that guards the models make the changes: who made them is then what it authenticated, and its gates are asked. */
export function guardedChanges(call: NonNullable<StorageAdapter['call']>): RegistryChanges {
  const send =
    <C extends RegistryChange>(method: C) =>
    async (input: RegistryChangeInputs[C], options: OperationOptions): Promise<RegistryChangeResults[C]> =>
      (await call({ domain: 'registry', method, input, prefix: '' }, options)) as RegistryChangeResults[C];
  return {
    createModel: send('createModel'),
    updateModel: send('updateModel'),
    deleteModel: send('deleteModel'),
    registerVersion: send('registerVersion'),
    updateVersion: send('updateVersion'),
    deleteVersion: send('deleteVersion'),
    retire: send('retire'),
    reinstate: send('reinstate'),
    setAlias: send('setAlias'),
    deleteAlias: send('deleteAlias'),
    approve: send('approve'),
    withdrawApproval: send('withdrawApproval'),
    sign: send('sign'),
    setPolicy: send('setPolicy'),
    recordEvaluation: send('recordEvaluation'),
    promote: send('promote'),
    rollback: send('rollback'),
  };
}

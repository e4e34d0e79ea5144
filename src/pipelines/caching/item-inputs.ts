import { digestOf, type Digest } from '../../core/digest.ts';
import { ValidationError } from '../../core/errors.ts';
import { packOutput } from '../output-codec.ts';
import type { StepDefinition } from '../step.ts';

/** What tells an item from others: the same for equal items, wherever they stand in their list. */
export function itemDigest(value: unknown): Digest {
  return digestOf(packOutput(value, 'item'));
}

/** The needs of an item whose cache names the inputs that count: those, and no others. */
export function countingNeeds(needs: StepDefinition['needs'], names: readonly string[] | undefined): StepDefinition['needs'] {
  return names === undefined ? needs : Object.fromEntries(Object.entries(needs).filter(([input]) => names.includes(input)));
}

/** Has whoever looks at an input that does not count fail: what is made of it would be taken when it is another. */
export function guardInputs(inputs: Record<string, unknown>, { handle, needs }: StepDefinition, counting: StepDefinition['needs']): void {
  for (const input of Object.keys(needs)) {
    if (Object.hasOwn(counting, input)) continue;
    Object.defineProperty(inputs, input, {
      get() {
        const path = `step '${handle.name}'.cache.inputs`;
        throw new ValidationError(`An item of step '${handle.name}' looked at input '${input}', which its cache does not name, so that a change of it would go unseen; add it to ${path}.`, { path });
      },
      enumerable: false,
      configurable: true,
    });
  }
}

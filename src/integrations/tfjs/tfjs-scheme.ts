import { ValidationError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import type { Registry } from '../../registry/registry.ts';
import type { TfjsHandler } from './tfjs-artifacts.ts';
import { tfjsHandler, type TfjsHandlerOptions } from './tfjs-handler.ts';

/** What is needed of TensorFlow.js to give it a scheme: `import * as tf from '@tensorflow/tfjs'`, or `'@tensorflow/tfjs-core'`. */
export interface TfjsWithRouters {
  /** Where it takes them. */
  readonly io: TfjsRouters;
}

/** Where TensorFlow.js takes what turns addresses into handlers. */
export interface TfjsRouters {
  /** Takes one for `model.save(url)`. */
  registerSaveRouter(router: (url: string | string[]) => never): void;
  /** Takes one for `tf.loadLayersModel(url)` and `tf.loadGraphModel(url)`. */
  registerLoadRouter(router: (url: string | string[], options?: TfjsLoadOptions) => never): void;
}

/** What a load is told besides the address, by shape: `tf.io.LoadOptions`. */
export interface TfjsLoadOptions {
  /** Whether weights are streamed. */
  streamWeights?: boolean;
  /** Is told which part of the weights has come, from 0 to 1. */
  onProgress?: (fraction: number) => void;
}

interface Registered {
  registry: Registry;
  options: TfjsHandlerOptions;
}

const scheme = 'modelkeep://';
const slotName = /* @__PURE__ */ Symbol.for('modelkeep.tfjs-scheme');

/**
 * Teaches TensorFlow.js addresses of a registry: `model.save('modelkeep://flight-delay')` registers a version and `tf.loadLayersModel('modelkeep://flight-delay@production')` loads one, as
 * {@link tfjsHandler} does. A name with characters that a URL does not have is percent-encoded.
 *
 * It may be called any number of times, also by several copies of this package: TensorFlow.js is given one router, which asks the registry that was registered last. Other addresses are left to
 * others.
 *
 * @param tf - TensorFlow.js, or its core, in which the routers are kept.
 * @param options - What each version is saved with, and how it is loaded.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as core from '@tensorflow/tfjs-core';
 * import * as tf from '@tensorflow/tfjs-layers';
 * import { MemoryStorage, Registry } from 'modelkeep';
 * import { registerTfjsScheme } from 'modelkeep/tfjs';
 *
 * const registry = new Registry({ storage: new MemoryStorage() });
 * await registry.createModel('lines');
 * registerTfjsScheme(core, registry);
 *
 * await tf.sequential({ layers: [tf.layers.dense({ inputShape: [1], units: 1 })] }).save('modelkeep://lines');
 * const model = await tf.loadLayersModel('modelkeep://lines@latest');
 * console.log(model.countParams()); // 2
 * ```
 */
export function registerTfjsScheme(tf: TfjsWithRouters, registry: Registry, options: TfjsHandlerOptions = {}): void {
  const routers = (tf as Partial<TfjsWithRouters> | undefined)?.io as Partial<TfjsRouters> | undefined;
  if (typeof routers?.registerSaveRouter !== 'function' || typeof routers.registerLoadRouter !== 'function') {
    throw new ValidationError("tf.io takes no routers; give all of '@tensorflow/tfjs' or '@tensorflow/tfjs-core': import * as tf.", { path: 'tf' });
  }
  // What options are wrong is told now and not at the first save.
  tfjsHandler(registry, 'any', options);
  // Each copy of TensorFlow.js has a function of its own and routers of its own.
  const slots = slotsOfHost();
  const present = slots.get(routers.registerSaveRouter);
  if (present) {
    Object.assign(present, { registry, options });
    return;
  }
  const slot: Registered = { registry, options };
  slots.set(routers.registerSaveRouter, slot);
  const route = (url: unknown, more: TfjsLoadOptions = {}): TfjsHandler | null => {
    if (typeof url !== 'string' || !url.startsWith(scheme)) return null;
    const { onProgress, streamWeights = slot.options.streamWeights } = more ?? {};
    const progress = onProgress && { onProgress: ({ done, total = 1 }: { done: number; total?: number }) => onProgress(done / total) };
    return tfjsHandler(slot.registry, targetOf(url), { ...slot.options, streamWeights, ...progress });
  };
  routers.registerSaveRouter(((url: unknown) => route(url)) as (url: string | string[]) => never);
  routers.registerLoadRouter(route as (url: string | string[]) => never);
}

/** Kept with the host, since two copies of this package must not both register a router: TensorFlow.js refuses an address that two can handle. */
function slotsOfHost(): WeakMap<object, Registered> {
  const host = globalThis as { [slotName]?: WeakMap<object, Registered> };
  return (host[slotName] ??= new WeakMap());
}

function targetOf(url: string): string {
  try {
    return decodeURIComponent(url.slice(scheme.length));
  } catch (cause) {
    throw new ValidationError(`The address ${shown(url)} has a '%' that encodes nothing; write '%25' for the character itself.`, { path: 'url', cause });
  }
}

import { MemoryStorage, withPrefix } from 'modelkeep';
import { storageConformance } from 'modelkeep/conformance';
import { describe, it } from 'vitest';

const supports = { durability: 'memory', sharedBetweenProcesses: false } as const;

storageConformance({ describe, it, supports, name: 'MemoryStorage', createStore: () => ({ open: () => new MemoryStorage() }) });

storageConformance({ describe, it, supports, name: 'withPrefix(MemoryStorage)', createStore: () => ({ open: () => withPrefix(new MemoryStorage(), 'team-a/b') }) });

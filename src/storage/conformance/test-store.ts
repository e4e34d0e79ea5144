import type { AdapterSupports, StorageAdapter } from '../contract.ts';

/** A fresh store that a test has to itself. */
export interface ConformanceStore {
  /** Opens an instance of the adapter over this store. Called again only where the adapter claims durability (after a `close`) or sharing (while another is open). */
  open(): StorageAdapter | Promise<StorageAdapter>;
  /** Removes what the store occupied, after every instance was closed. @default nothing to remove */
  dispose?: (() => void | Promise<void>) | undefined;
}

/** The capabilities that decide which tests there are. */
export type ClaimedSupports = Pick<AdapterSupports, 'durability' | 'sharedBetweenProcesses'>;

/** What one test works on: a first instance, and as many more as it opens. */
export interface TestStore {
  /** The instance that the test began with. */
  readonly storage: StorageAdapter;
  /** A further instance over the same store. */
  another(): Promise<StorageAdapter>;
  /** Closes every instance and opens the store anew. */
  reopen(): Promise<StorageAdapter>;
}

/** Declares one test of the suite. */
export type DeclareTest = (name: string, test: (store: TestStore) => Promise<void>) => void;

/** Runs a test on a fresh store, closing every instance and removing the store whatever comes of it. */
export async function withStore(create: () => ConformanceStore | Promise<ConformanceStore>, test: (store: TestStore) => Promise<void>): Promise<void> {
  const store = await create();
  const instances: StorageAdapter[] = [];
  const another = async (): Promise<StorageAdapter> => {
    const storage = await store.open();
    instances.push(storage);
    return storage;
  };
  const closeAll = (): Promise<unknown> => Promise.all(instances.map((instance) => instance.close()));
  try {
    await test({
      storage: await another(),
      another,
      async reopen() {
        await closeAll();
        return another();
      },
    });
  } finally {
    await Promise.allSettled(instances.map((instance) => instance.close()));
    await store.dispose?.();
  }
}

/** What a request is about to do with one thing of the store. Everything that a request touches is asked for on its own: each key of a batch, too. */
export interface Access {
  /** What is done: `list` names what there is, `append` adds entries to a log, `call` has a model changed, a view materialized, or a deployment asked or changed, by the server. */
  readonly action: 'read' | 'write' | 'delete' | 'list' | 'append' | 'call';
  /** What it is done to. `store` is what the store can do, `upload` is a blob under way, `model` is a model of the registry, `feature-view` a view of features, `deployment` a model that is served. */
  readonly kind: 'record' | 'log' | 'blob' | 'upload' | 'store' | 'model' | 'feature-view' | 'deployment';
  /**
   * Which one: the key of a record, a log or a model's head record, the name of a view, the model of a deployment, the digest of a blob, the id of an upload (empty for a new one). For a list of records or logs the prefix that all keys of
   * the list share; empty for the list of blobs, for the store, and for all deployments at once.
   */
  readonly key: string;
  /** The workspace that the request is made in, to which `key` belongs; absent for the store as a whole. */
  readonly workspace?: string | undefined;
  /** What is called for, such as `promote`, `materialize` or `predict`; absent for everything else. */
  readonly method?: string | undefined;
}

/** Who makes a request, as the server knows it. */
export interface Identity {
  /** Names who it is; stands in the history of what they change, whatever they say of themselves. */
  readonly actor: string;
}

/** What became of a question for leave: who has it, `null` when nobody can tell who asks (401), or `'forbidden'` when they may not (403). */
export type Verdict = Identity | null | 'forbidden';

/**
 * Decides whether a request may do something, and says who makes it. It is asked before anything is touched, and may be asked many times for one request, so keep it quick. The body of the
 * request is not its to read. When it throws, the request is refused.
 */
export type Authorize = (request: Request, access: Access) => Verdict | Promise<Verdict>;

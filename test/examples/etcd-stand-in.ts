interface Stored {
  readonly value: string;
  readonly create: number;
  readonly mod: number;
}

type Fields = Readonly<Record<string, unknown>>;

class BadRequest extends Error {}

/** The key-value part of etcd's JSON gateway, in memory, as its reference describes it; what it does not know it refuses. */
export class EtcdStandIn {
  readonly #stored = new Map<string, Stored>();
  #sorted: readonly string[] | undefined;
  #revision = 1;

  /** Answers a request as the gateway would. */
  readonly fetch: typeof fetch = async (url, init) => {
    init?.signal?.throwIfAborted();
    // No answer comes in the turn in which it was asked for.
    await Promise.resolve();
    const body = init?.body as string;
    try {
      // By default a request has 1.5 MiB at most; JSON writes its bytes in base64.
      if (body.length > 2 * 1024 * 1024) throw new BadRequest('etcdserver: request is too large');
      const method = /\/v3\/kv\/(range|txn)$/.exec(url as string)?.[1];
      const request = JSON.parse(body) as Fields;
      if (method === 'range') return Response.json({ header: this.#header(), ...this.#range(request) });
      if (method === 'txn') return Response.json(this.#transact(request));
      return new Response('Not Found', { status: 404 });
    } catch (error) {
      if (error instanceof BadRequest) return new Response(error.message, { status: 400 });
      throw error;
    }
  };

  /** How many keys there are. */
  get size(): number {
    return this.#stored.size;
  }

  #header(): Fields {
    return { cluster_id: '1', revision: String(this.#revision) };
  }

  #transact(request: Fields): Fields {
    const { compare, success, failure } = fieldsOf(request, ['compare', 'success', 'failure']) as Record<string, Fields[] | undefined>;
    for (const list of [compare, success, failure]) if ((list?.length ?? 0) > 128) throw new BadRequest('etcdserver: too many operations in txn request');
    const succeeded = (compare ?? []).every((each) => this.#holds(each));
    const operations = (succeeded ? success : failure) ?? [];
    const touched = operations.flatMap((each) => [each['request_put'], each['request_delete_range']]).flatMap((each) => (each ? [(each as Fields)['key']] : []));
    if (new Set(touched).size < touched.length) throw new BadRequest('etcdserver: duplicate key given in txn request');
    const revision = this.#revision + 1;
    const responses = operations.map((operation) => this.#apply(operation, revision));
    return { header: this.#header(), ...(succeeded && { succeeded }), responses };
  }

  #holds(compare: Fields): boolean {
    const { key, target, create_revision, mod_revision } = fieldsOf(compare, ['key', 'target', 'create_revision', 'mod_revision']);
    const stored = this.#stored.get(decoded(key));
    if (target === 'CREATE') return (stored?.create ?? 0) === int64(create_revision);
    if (target === 'MOD') return (stored?.mod ?? 0) === int64(mod_revision);
    throw new BadRequest(`unknown target ${String(target)}`);
  }

  #apply(operation: Fields, revision: number): Fields {
    const { request_range, request_put, request_delete_range } = fieldsOf(operation, ['request_range', 'request_put', 'request_delete_range']);
    if (request_range) return { response_range: this.#range(request_range as Fields) };
    if (request_put) {
      const { key, value } = fieldsOf(request_put as Fields, ['key', 'value']);
      const name = decoded(key);
      const before = this.#stored.get(name);
      if (before === undefined) this.#sorted = undefined;
      this.#stored.set(name, { value: base64(decoded(value)), create: before?.create ?? revision, mod: revision });
      this.#revision = revision;
      return { response_put: {} };
    }
    const { key } = fieldsOf(request_delete_range as Fields, ['key']);
    if (!this.#stored.delete(decoded(key))) return { response_delete_range: {} };
    this.#sorted = undefined;
    this.#revision = revision;
    return { response_delete_range: { deleted: '1' } };
  }

  #range(request: Fields): Fields {
    const fields = fieldsOf(request, ['key', 'range_end', 'limit', 'keys_only', 'count_only', 'sort_target', 'sort_order']);
    const key = decoded(fields['key']);
    const end = fields['range_end'] === undefined ? undefined : decoded(fields['range_end']);
    let found = end === undefined ? (this.#stored.has(key) ? [key] : []) : this.#between(key, end);
    const count = String(found.length);
    if (fields['count_only']) return { count };
    if (fields['sort_target'] === 'MOD' && fields['sort_order'] === 'ASCEND') found = [...found].sort((a, b) => this.#stored.get(a)!.mod - this.#stored.get(b)!.mod);
    const limit = fields['limit'] === undefined ? Infinity : int64(fields['limit']);
    const kvs = found.slice(0, limit).map((name) => {
      const { value, create, mod } = this.#stored.get(name)!;
      return { key: base64(name), create_revision: String(create), mod_revision: String(mod), ...(!fields['keys_only'] && value !== '' && { value }) };
    });
    return { ...(kvs.length > 0 && { kvs }), ...(found.length > limit && { more: true }), count };
  }

  #between(start: string, end: string): string[] {
    this.#sorted ??= [...this.#stored.keys()].sort();
    let low = 0;
    for (let high = this.#sorted.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]! < start) low = middle + 1;
      else high = middle;
    }
    const found: string[] = [];
    for (; low < this.#sorted.length && this.#sorted[low]! < end; low++) found.push(this.#sorted[low]!);
    return found;
  }
}

function fieldsOf(request: Fields, known: readonly string[]): Fields {
  const unknown = Object.keys(request).find((field) => !known.includes(field));
  if (unknown !== undefined) throw new BadRequest(`unknown field ${unknown}`);
  return request;
}

/** Bytes as a text of as many characters, whose order is theirs. */
function decoded(value: unknown): string {
  if (typeof value !== 'string') throw new BadRequest('bytes must be base64');
  return Buffer.from(value, 'base64').toString('latin1');
}

function base64(text: string): string {
  return Buffer.from(text, 'latin1').toString('base64');
}

/** The gateway writes and reads 64-bit numbers as text. */
function int64(value: unknown): number {
  if (typeof value !== 'string' || !/^-?\d{1,19}$/.test(value)) throw new BadRequest(`bad int64 ${String(value)}`);
  return Number(value);
}

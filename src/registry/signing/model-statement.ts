import * as z from 'zod/mini';
import { fromUtf8, utf8 } from '../../core/bytes.ts';
import { createHasher, type Digest } from '../../core/digest.ts';
import { IntegrityError, isModelkeepError } from '../../core/errors.ts';
import { check } from '../../core/schema.ts';
import { shown } from '../../core/shown.ts';

/** A file that is signed: its path, relative with `/` between directories, and the digest of its bytes. Files of versions are some. */
export interface SignedFile {
  /** Relative, its parts joined by `/`. */
  readonly path: string;
  /** Digest of its bytes. */
  readonly digest: Digest;
}

/** What is signed: a name and files. */
export interface ModelStatement {
  readonly name: string;
  readonly files: readonly SignedFile[];
}

export const payloadType = 'application/vnd.in-toto+json';
const statementType = 'https://in-toto.io/Statement/v1';
const predicateType = 'https://model_signing/signature/v1.0';

const hex = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest in hexadecimal'));
const statementSchema = z.looseObject({
  _type: z.literal(statementType),
  predicateType: z.literal(predicateType),
  subject: z.array(z.looseObject({ name: z.string(), digest: z.looseObject({ sha256: hex }) })).check(z.refine((subjects) => subjects.length === 1, 'must have one subject')),
  predicate: z.looseObject({
    serialization: z.looseObject({ method: z.literal('files'), hash_type: z.literal('sha256') }),
    resources: z.array(z.looseObject({ name: z.string().check(z.minLength(1)), algorithm: z.literal('sha256'), digest: hex })),
  }),
});

/** The in-toto statement that OpenSSF model signing makes of a model, as bytes. */
export function writeStatement({ name, files }: ModelStatement): Uint8Array {
  const resources = [...files].sort((a, b) => comparePaths(a.path, b.path)).map(({ path, digest }) => ({ name: path, algorithm: 'sha256', digest: digest.slice('sha256:'.length) }));
  const statement = {
    _type: statementType,
    subject: [{ name, digest: { sha256: rootDigest(resources.map(({ digest }) => digest)) } }],
    predicateType,
    predicate: { serialization: { method: 'files', hash_type: 'sha256', allow_symlinks: false }, resources },
  };
  return utf8(JSON.stringify(statement));
}

/** What a statement says. Throws `IntegrityError` for another kind of statement, and for one that contradicts itself. */
export function readStatement(payload: Uint8Array): ModelStatement {
  const { subject, predicate } = parse(payload);
  const { resources } = predicate;
  const [{ name, digest }] = subject as [(typeof subject)[number]];
  const root = rootDigest(resources.map((resource) => resource.digest));
  if (root !== digest.sha256) throw new IntegrityError(`The statement contradicts itself: its files hash to ${root}, its subject is ${digest.sha256}.`, { path: 'subject[0].digest.sha256', found: root });
  const names = new Set<string>();
  for (const resource of resources) {
    if (names.has(resource.name)) throw new IntegrityError(`The statement names the file ${shown(resource.name)} twice.`, { path: 'predicate.resources' });
    names.add(resource.name);
  }
  return { name, files: resources.map((resource): SignedFile => ({ path: resource.name, digest: `sha256:${resource.digest}` })) };
}

function parse(payload: Uint8Array): z.output<typeof statementSchema> {
  try {
    return check(statementSchema, JSON.parse(fromUtf8(payload)), 'statement');
  } catch (cause) {
    const why = isModelkeepError(cause) ? cause.message : 'It is no JSON.';
    throw new IntegrityError(`What was signed is no statement of model signing 1.0 about whole files. ${why}`, { path: 'dsseEnvelope.payload', cause });
  }
}

/** SHA-256 over the digests of all files, in their order. */
function rootDigest(digests: readonly string[]): string {
  const hasher = createHasher();
  for (const digest of digests) hasher.update(Uint8Array.from(digest.match(/../g)!, (pair) => Number.parseInt(pair, 16)));
  return hasher.digest().slice('sha256:'.length);
}

// The reference implementation sorts paths part by part, and texts by their code points.
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareTexts(left[i]!, right[i]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function compareTexts(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

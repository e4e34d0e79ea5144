import { decode, encode, storedCopy } from '../../core/codec.ts';
import { digestOf, type Digest } from '../../core/digest.ts';
import { isModelkeepError } from '../../core/errors.ts';
import { isDamage } from '../../storage/read-each.ts';
import { checkProfile } from '../../stats/profiles/check-profile.ts';
import { Tracker } from '../../tracking/tracker.ts';
import type { ModelFacts } from './model-facts.ts';
import { readArtifacts } from './run-artifacts.ts';

// A profile has a few kilobytes for each column.
const largestProfile = 16 * 1024 * 1024;
const mostCandidates = 50;

/** A JSON file that went into the version in production, or came out of the run that made it. */
interface Candidate {
  readonly what: string;
  readonly digest: Digest;
  readonly read: () => Promise<Uint8Array>;
}

/** Whether a profile is among the files of the version in production, or the artifacts of the run that made it: by content, however its JSON was written. */
export async function hasProfile(facts: ModelFacts, reference: Digest): Promise<boolean> {
  const candidates = await candidatesOf(facts);
  if (candidates.some(({ digest }) => digest === reference)) return true;
  for (const { what, read } of candidates.slice(0, mostCandidates)) {
    try {
      if (profileDigest(await read()) === reference) return true;
    } catch (error) {
      if (!isDamage(error)) throw error;
      facts.assessment.note(what, error);
    }
  }
  return false;
}

async function candidatesOf(facts: ModelFacts): Promise<Candidate[]> {
  const { assessment, model, production, shared } = facts;
  const { storage, clock, options } = assessment;
  const [version, run] = await Promise.all([facts.version(), facts.sourceRun()]);
  const files = version.files.filter(isSmallJson).map(({ path, digest }): Candidate => ({ what: `file '${path}' of version ${production} of model '${model.name}'`, digest, read: async () => (await shared.registry.load(`${model.name}@${production}`, options)).file(path, options) }));
  if (run === undefined) return files;
  const tracker = new Tracker({ storage, clock });
  const artifacts = (await readArtifacts(assessment, run.id)).filter(({ name, size }) => isSmallJson({ path: name, size }));
  return [...files, ...artifacts.map(({ name, digest }): Candidate => ({ what: `artifact '${name}' of run ${run.id}`, digest, read: () => tracker.readArtifact(run.id, name, options) }))];
}

function isSmallJson({ path, size }: { readonly path: string; readonly size: number }): boolean {
  return path.toLowerCase().endsWith('.json') && size <= largestProfile;
}

/** The digest that a monitor would name the profile by; `undefined` for what is none. */
function profileDigest(bytes: Uint8Array): Digest | undefined {
  try {
    return digestOf(encode(storedCopy(checkProfile(decode(bytes, 'profile'), 'profile'), 'profile')));
  } catch (error) {
    if (isModelkeepError(error, 'validation', 'integrity', 'unsupported')) return undefined;
    throw error;
  }
}

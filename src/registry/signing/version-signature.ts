import type { SignatureBundle } from './sign-manifest.ts';

/** A signature of a version, as it was recorded. */
export interface VersionSignature {
  /** UUIDv7. */
  readonly id: string;
  /** Name of the model. */
  readonly model: string;
  /** Number of the version. */
  readonly version: number;
  /** SHA-256 of the PEM of the key that it claims to be made with, in hexadecimal; absent where its author left that out. */
  readonly keyHint?: string | undefined;
  /** The signature, for `model.sig`: `JSON.stringify` writes what `model_signing` reads. */
  readonly bundle: SignatureBundle;
  /** Who signed. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** A signature as it is stored. */
export interface SignatureRecord extends VersionSignature {
  /** The model's revision that this made: later ones are greater. */
  readonly revision: number;
}

/** What a verified version is. */
export interface VerifiedVersion {
  /** Name of the model. */
  readonly model: string;
  /** Number of the version. */
  readonly version: number;
  /** What its author called the model in the signature. */
  readonly name: string;
  /** SHA-256 of the PEM of the key, in hexadecimal. */
  readonly keyHint: string;
  /** How many files were read. */
  readonly files: number;
  /** Bytes of all of them. */
  readonly size: number;
}

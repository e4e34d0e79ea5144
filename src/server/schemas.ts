import * as z from 'zod/mini';
import type { AppendFrame, EndFrame, ReadBatch } from '../storage/http-protocol.ts';

// What checks requests, and describes them and their answers in the OpenAPI document.

/** A number that a query says. */
const whole = z.string().check(z.regex(/^[1-9]\d{0,8}$/, 'must be a whole number of at least 1'));
const text = z.string();

/** Query of a list of records or logs. */
export const listQuery: z.ZodMiniType = z.strictObject({ prefix: z.optional(text), after: z.optional(text), limit: z.optional(whole) });

/** Query of a list of blobs. */
export const blobListQuery: z.ZodMiniType = z.strictObject({ after: z.optional(text), limit: z.optional(whole) });

/** Query of reading a log. */
export const readLogQuery: z.ZodMiniType = z.strictObject({ after: z.optional(text) });

/** Body of reading a log from a position that no URL can hold. */
export const readLogBody: z.ZodMiniType<{ readonly key: string; readonly after: string }> = z.strictObject({ key: text, after: text });

/** Query of an append. */
export const appendQuery: z.ZodMiniType = z.strictObject({ writer: z.optional(text), durability: z.optional(z.enum(['buffered', 'flushed'])) });

/** Body of a batch of reads. */
export const readBatch: z.ZodMiniType<ReadBatch> = z.strictObject({ keys: z.array(text), held: z.optional(z.array(z.nullable(text))) });

const operationId = z.string().check(z.minLength(1), z.maxLength(200));
const match = z.strictObject({ match: text });

/** Header of a frame of a batch of writes. */
export const writeFrame: z.ZodMiniType = z.union([
  z.strictObject({
    kind: z.literal('put'),
    key: text,
    condition: z.optional(z.union([z.literal('absent'), match])),
    operationId: z.optional(operationId),
    blobs: z.optional(z.array(text)),
  }),
  z.strictObject({ kind: z.literal('delete'), key: text, condition: z.optional(match), operationId: z.optional(operationId) }),
]);

/** Header of a frame of entries to append. */
export const appendFrame: z.ZodMiniType<AppendFrame> = z.strictObject({ sizes: z.array(z.int().check(z.minimum(0))), operationId: z.optional(operationId) });

/** Header of the last frame. */
export const endFrame: z.ZodMiniType<EndFrame> = z.strictObject({ end: z.literal(true) });

/** Body that commits an upload. */
export const commitBody: z.ZodMiniType<{ readonly digest?: string | undefined; readonly parts: number }> = z.strictObject({ digest: z.optional(text), parts: z.int().check(z.minimum(0)) });

/** Body of a page. */
export const listPage: z.ZodMiniType = z.strictObject({
  entries: z.array(z.strictObject({ key: text, version: text, size: z.int().check(z.minimum(0)) })),
  next: z.optional(text),
});

/** Body of a write that took effect. */
export const writeDone: z.ZodMiniType = z.strictObject({ ok: z.literal(true), version: z.optional(text) });

/** Body of a batch of writes that was done. */
export const writeResults: z.ZodMiniType = z.strictObject({
  results: z.array(z.union([writeDone, z.strictObject({ ok: z.literal(false), reason: z.literal('conflict'), version: z.optional(text) })])),
});

/** Body of an append that was done. */
export const appended: z.ZodMiniType = z.strictObject({ position: text, positions: z.optional(z.array(text)) });

/** Body of a blob that was stored. */
export const blobRef: z.ZodMiniType = z.strictObject({ digest: text, size: z.int().check(z.minimum(0)) });

/** Body of an upload that was begun. */
export const uploadBegun: z.ZodMiniType = z.strictObject({ id: text });

/** Body of how far an upload has come. */
export const uploadProgress: z.ZodMiniType = z.strictObject({ parts: z.int().check(z.minimum(0)), size: z.int().check(z.minimum(0)) });

/** Body of what a store can do. */
export const storeInfo: z.ZodMiniType = z.strictObject({
  protocol: z.literal(1),
  supports: z.strictObject({
    durability: z.enum(['memory', 'buffered', 'flushed']),
    sharedBetweenProcesses: z.boolean(),
    maxRecordBytes: z.number(),
    maxEntryBytes: z.number(),
    sharesBlobs: z.optional(z.boolean()),
  }),
  limits: z.strictObject({ recordBytes: z.number(), entryBytes: z.number(), blobBytes: z.number(), requestBytes: z.number(), batch: z.number(), page: z.number(), keyLength: z.number() }),
});

/** Body of a server that works. */
export const health: z.ZodMiniType = z.strictObject({ status: z.literal('ok') });

/** Body of every answer that is an error. */
export const wireError: z.ZodMiniType = z.strictObject({
  error: z.strictObject({ code: text, message: text, details: z.optional(z.record(z.string(), z.unknown())) }),
});

/** Ends the answering of a request with a page of this status. Its message is the reader's to read. */
export class Refusal extends Error {
  readonly status: number;
  /** What to do about it. */
  readonly advice: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, { advice, headers = {}, cause }: { advice?: string | undefined; headers?: Readonly<Record<string, string>>; cause?: unknown } = {}) {
    super(message, { cause });
    this.status = status;
    this.advice = advice;
    this.headers = headers;
  }
}

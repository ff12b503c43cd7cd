/** What is to be published. */
export interface Draft {
  readonly destination: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** The queue that it is enqueued to. */
  readonly queue?: string | undefined;
}

/** A source that is made from others. */
export interface GeneratedSource {
  /** Its path from the root of the repository. */
  readonly file: string;
  readonly content: string;
  /** What it is made from, as a reader of messages knows it. */
  readonly origin: string;
}

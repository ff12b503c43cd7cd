/** A generated source. */
export interface GeneratedSource {
  /** Its path from the root of the repository. */
  readonly file: string;
  readonly content: string;
  /** What it is made from, as messages name it. */
  readonly origin: string;
}

/** A command that failed after it had changed some jobs. Exits and reads as its cause, and says what had been done. */
export class PartlyDone extends Error {
  override readonly name = "PartlyDone";
  /** What a program gets beside the error, as the command prints it when it succeeds. */
  readonly document: object;

  /** @param done what had been done, in words: "2,000 jobs had been removed before." */
  constructor(done: string, document: object, cause: unknown) {
    super(done, { cause });
    this.document = document;
  }
}

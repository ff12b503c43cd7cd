/** What a part has counted, in display order. */
export type Figures = Readonly<Record<string, number | string>>;

/** One run of a part. */
export interface PartRun {
  /** How much of everything to do, by the names of the part's sizes. */
  size(name: string): number;
  /** The only source of randomness. */
  readonly seed: number;
  /** Shows the progress. */
  progress(done: number, of: number): void;
}

/** A part of the soak. */
export interface Part {
  /** What is tested. */
  readonly about: string;
  /** How much of everything a full run does. Each is an option of the command. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Runs the test. Rejects if a promise was broken, with the details. */
  run(run: PartRun): Promise<Figures>;
}

/** What a part has counted, in the order in which it is shown. */
export type Figures = Readonly<Record<string, number | string>>;

/** One run of a part. */
export interface PartRun {
  /** How much of everything is to be done, by the names of the part's sizes. */
  size(name: string): number;
  /** Chance comes from it alone. */
  readonly seed: number;
  /** Shows how far it is. */
  progress(done: number, of: number): void;
}

/** A part of the soak. */
export interface Part {
  /** What is tried. */
  readonly about: string;
  /** How much of everything is done in full. Each is an option of the command. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Tries it. Rejects where a promise was not kept, with what tells how. */
  run(run: PartRun): Promise<Figures>;
}

import type { Row } from "./report.ts";
import type { Stage } from "./stage.ts";

/** What a part of the benchmark is given. */
export interface Bench {
  readonly stage: Stage;
  /** Whether to measure a million waiting jobs too. */
  readonly isMillion: boolean;
  /** Tells on the terminal what is being measured. */
  progress(text: string): void;
  add(row: Omit<Row, "part">): void;
}

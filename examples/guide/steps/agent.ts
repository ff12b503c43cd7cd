import { defineJob } from "tidegate";
import { post } from "./services.ts";

// #region job
const TURNS = 20;
const LONGEST_MS = 60 * 60_000;

interface Turn {
  readonly text: string;
  readonly isDone: boolean;
}

export const research = defineJob({
  name: "research",
  async perform({ question }: { readonly question: string }, job) {
    const deadline = job.enqueuedAt.getTime() + LONGEST_MS; // the same in each attempt
    const notes: string[] = [];
    for (let turn = 1; turn <= TURNS; turn++) {
      const { text, isDone, isLate } = await job.step(
        `turn-${turn}`,
        async (step) => ({
          ...(await post<Turn>("model", { question, notes }, step)),
          isLate: Date.now() > deadline, // a clock is read inside a step, so that each attempt sees the same
        }),
        { timeout: "1m", maxRetries: 10 },
      );
      notes.push(text);
      if (isDone || isLate) break;
    }
    return notes.at(-1);
  },
});
// #endregion

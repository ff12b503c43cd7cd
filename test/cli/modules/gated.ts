import { defineJob } from "tidegate";

/** Reports to the test when it runs, and continues when the test lets it; an open one ends at once. */
export default [
  defineJob({
    name: "gated",
    async perform(isOpen) {
      if (isOpen) return;
      const { gate } = globalThis as { gate?: { start(): void; opened: Promise<void> } };
      gate?.start();
      await gate?.opened;
    },
  }),
];

import fc from "fast-check";
import { expect, test } from "vitest";
import type { QueueStore } from "../../src/core/store.ts";
import { memoryStore } from "../../src/index.ts";
import { everythingIn, type Operation, operations, type Scene } from "../support/operations.ts";
import { useRedis } from "../support/stores.ts";

const redis = useRedis();

/** Runs the same operations on two stores; each answer and each state after it must be equal. */
async function runOnBoth(sequence: readonly Operation[], memory: QueueStore, real: QueueStore): Promise<void> {
  const scene: Scene = { now: Date.parse("2026-03-01T12:00:00Z"), leases: [], slots: [] };
  for (const operation of sequence) {
    const expected = await operation.run(memory, scene);
    expect(await operation.run(real, scene), operation.name).toEqual(expected);
    operation.after?.(scene, expected);
    expect(await everythingIn(real, scene.now), operation.name).toEqual(await everythingIn(memory, scene.now));
  }
}

test("memory and Redis answer alike, and hold the same after each step, whatever is asked of them", async () => {
  await fc.assert(
    fc.asyncProperty(operations(25), async (sequence) => {
      await runOnBoth(sequence, memoryStore().open("q"), redis.store().open("q"));
    }),
    { numRuns: 60 },
  );
});

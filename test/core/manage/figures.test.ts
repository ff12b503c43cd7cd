import fc from "fast-check";
import { expect, test } from "vitest";
import { queueFigures } from "../../../src/core/manage/figures.ts";
import { countersOf, metricsOf, noMetrics, SLOWEST } from "../../../src/core/store/stats.ts";

const DAY_MS = 86_400_000;

test("p50 and p95 are at most 20 % off, and never above the slowest attempt", () => {
  const duration = fc.oneof(fc.nat(30), fc.nat(5_000), fc.nat(DAY_MS));
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1, maxLength: 60 }), (durations) => {
      const counts: number[] = [];
      for (const ms of durations)
        for (const counter of countersOf({ to: "completed", timing: { waitedMs: 0, ranMs: ms } }, 0))
          counts[counter] = (counts[counter] ?? 0) + 1;
      counts[SLOWEST + 1] = Math.max(...durations);
      const stored = { name: "works", total: noMetrics, hour: metricsOf(counts), days: [] };
      const { running } = queueFigures([stored], 0).names[0]?.hour ?? {};
      const inOrder = durations.toSorted((a, b) => a - b);
      for (const [share, estimate] of [[0.5, running?.medianMs] as const, [0.95, running?.p95Ms] as const]) {
        const exact = inOrder[Math.ceil(durations.length * share) - 1] ?? 0;
        expect(estimate).toBeGreaterThanOrEqual(exact * 0.8);
        expect(estimate).toBeLessThanOrEqual(exact * 1.2);
        expect(estimate).toBeLessThanOrEqual(Math.max(...durations));
      }
    }),
  );
});

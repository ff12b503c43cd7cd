import { identifier } from "../../../src/http/auth.ts";
import { seededRandom } from "../../support/random.ts";
import type { Part } from "../part.ts";

const TOKEN = "k".repeat(64);
/** Guesses that differ at the first character, and at the last. */
const guesses = [`x${TOKEN.slice(1)}`, `${TOKEN.slice(0, -1)}x`] as const;
const MEASURED_TOGETHER = 20;

/**
 * Whether the time to refuse a token reveals where it differs. A statistic, and no proof: a |t| below 4.5 in Welch's
 * test, the usual threshold, means that nothing was detected.
 */
export const tokens: Part = {
  about: "whether the time to refuse a token tells how much of it was right (Welch's t; below 4.5 nothing is seen)",
  sizes: { measurements: 100_000 },
  async run({ size, seed, progress }) {
    const identify = identifier([{ token: TOKEN, scopes: new Set(["admin"]) }]);
    const random = seededRandom(seed);
    const samples = guesses.map((): number[] => []);
    const wanted = size("measurements");
    for (let done = 0; done < wanted; done++) {
      const which = random() < 0.5 ? 0 : 1;
      const startedAt = performance.now();
      for (let time = 0; time < MEASURED_TOGETHER; time++) await identify(guesses[which]);
      samples[which]?.push(((performance.now() - startedAt) / MEASURED_TOGETHER) * 1_000_000);
      if (done % 1_000 === 0) progress(done, wanted);
    }
    // The slowest tenth measures what else the machine did.
    const [first, last] = samples.map((times) => momentsOf(trimmed(times))) as [Moments, Moments];
    const t = (first.mean - last.mean) / Math.sqrt(first.variance / first.count + last.variance / last.count);
    return {
      measurements: wanted,
      "ns to refuse a guess that is wrong at its first character": Math.round(first.mean),
      "ns to refuse one that is wrong at its last": Math.round(last.mean),
      "Welch's t": t.toFixed(2),
    };
  },
};

interface Moments {
  readonly count: number;
  readonly mean: number;
  readonly variance: number;
}

function trimmed(times: readonly number[]): readonly number[] {
  return [...times].sort((a, b) => a - b).slice(0, Math.ceil(times.length * 0.9));
}

function momentsOf(times: readonly number[]): Moments {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (times.length - 1);
  return { count: times.length, mean, variance };
}

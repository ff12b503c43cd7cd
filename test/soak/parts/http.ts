import { soak } from "../../support/api-soak.ts";
import type { Part } from "../part.ts";

const AT_A_TIME = 1_000;

/** Requests generated from the OpenAPI document. */
export const http: Part = {
  about: "requests drawn from the OpenAPI document: no failure, no hang, nothing written by one that is refused",
  sizes: { requests: 100_000 },
  async run({ size, seed, progress }) {
    const counts = new Map<string, number>();
    const wanted = size("requests");
    for (let done = 0; done < wanted; done += AT_A_TIME) {
      const report = await soak({ requests: Math.min(AT_A_TIME, wanted - done), seed: seed + done });
      for (const [status, count] of Object.entries(report)) counts.set(status, (counts.get(status) ?? 0) + count);
      progress(Math.min(done + AT_A_TIME, wanted), wanted);
    }
    const answered = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([status, n]) => [`answered ${status}`, n]);
    return {
      requests: [...counts.values()].reduce((sum, count) => sum + count, 0),
      ...Object.fromEntries(answered),
      "failures, hangs, or writes of one that was refused": 0,
    };
  },
};

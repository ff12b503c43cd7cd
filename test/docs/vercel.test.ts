import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { resize } from "../../examples/guide/define.ts";
import { hobbyRoute } from "../../examples/guide/vercel-hobby.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { serveFetch } from "../support/http-server.ts";
import { documentsIn, guide, runScript } from "./guide.ts";

describe("the route of the guide on Vercel Hobby", () => {
  test("drains on the request of a cron, with its secret and nothing else", async () => {
    vi.stubEnv("CRON_SECRET", "the-cron-secret");
    const store = memoryStore();
    const { GET } = hobbyRoute(store);
    await new Queue({ store, jobs: [resize] }).enqueue(resize, { image: "cat.png", width: 80 });
    const server = await serveFetch(GET);
    const output = await runScript("vercel.sh", { APP_URL: server.url, CRON_SECRET: "the-cron-secret" });
    expect(documentsIn(output)).toMatchObject([{ completed: 1, stoppedBy: "empty" }]);
    await expect(runScript("vercel.sh", { APP_URL: server.url, CRON_SECRET: "another" })).rejects.toThrow(/401/);
    await server.stop();
    vi.unstubAllEnvs();
  });

  test("is named by a vercel.json with a daily cron", async () => {
    const { crons } = JSON.parse(await readFile(join(guide, "vercel-hobby.json"), "utf8"));
    expect(crons).toEqual([{ path: "/api/queue/drain", schedule: expect.stringMatching(/^\d+ \d+ \* \* \*$/) }]);
  });
});

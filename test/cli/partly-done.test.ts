import { describe, expect, test } from "vitest";
import { behindHandler, fails, kill, sendEmail } from "./run-cli.ts";

const unavailable = () =>
  Response.json(
    { status: 503, title: "No store", code: "store_unavailable", detail: "The store does not answer." },
    { status: 503 },
  );

/** A handler that answers so many requests of a kind, and no more. */
function failingAfter(requests: number, path: RegExp) {
  const target = behindHandler();
  let left = requests;
  const fetch = (request: Request) =>
    request.method === "POST" && path.test(request.url) && left-- <= 0 ? unavailable() : target.fetch(request);
  return { ...target, run: (argv: string) => target.cli(argv.split(" "), { fetch }) };
}

const REASON = "error: The store does not answer.\n";

describe("a change of many jobs that fails half way says what it had done", () => {
  test.each([
    ["queue:jobs --all --cancel --yes", "removed", { cancelled: 1_000 }],
    ["queue:jobs --all --reschedule 5h --yes", "moved", { rescheduled: 1_000, runAt: "2026-03-01T17:00:00.000Z" }],
    ["queue:jobs --name send_email --run --yes", "moved", { rescheduled: 1_000, runAt: expect.any(String) }],
  ])("%s", async (argv, done, document) => {
    for (const isJson of [false, true]) {
      const { queue, run } = failingAfter(1, /\/jobs\/jobs\/(cancel|reschedule)$/);
      for (let round = 0; round < 2; round++)
        await queue.enqueueMany(
          Array.from({ length: 1_000 }, () => ({ job: sendEmail, payload: { to: "ada" }, delay: "2h" as const })),
        );
      const { code, stdout, stderr } = await run(isJson ? `${argv} --json` : argv);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      if (!isJson) expect(stderr).toBe(`${REASON}1,000 jobs had been ${done} before.\n`);
      else
        expect(JSON.parse(stderr)).toEqual({
          error: {
            code: "store_unavailable",
            message: `The store does not answer.\n1,000 jobs had been ${done} before.`,
          },
          ...document,
        });
    }
  });

  test("queue:dlq retry and remove", async () => {
    for (const [argv, done] of [
      ["queue:dlq retry --all --yes", "retried"],
      ["queue:dlq remove --all --yes", "removed"],
    ] as const) {
      const target = failingAfter(1, /\/dead-letter\/(retry|remove)$/);
      await kill(target, 300, fails);
      const { code, stderr } = await target.run(`${argv} --json`);
      expect(code).toBe(1);
      expect(JSON.parse(stderr)).toMatchObject({ error: { code: "store_unavailable" }, [done]: 250 });
      expect(await target.queue.getStats()).toMatchObject({ deadLetterCount: 50 });
    }
  });

  test("and nothing of the kind if nothing had been done", async () => {
    const { queue, run } = failingAfter(0, /\/jobs\/jobs\/cancel$/);
    await queue.enqueue(sendEmail, { to: "ada" });
    expect((await run("queue:jobs --all --cancel --yes")).stderr).toBe(REASON);
    expect((await run("queue:jobs --all --cancel --dry-run")).stderr).toBe(REASON);
  });
});

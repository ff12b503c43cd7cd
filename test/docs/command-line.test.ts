import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sendEmail } from "../../examples/guide/define.ts";
import { openQueue } from "../../examples/guide/queue.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, memoryStore, PermanentError, Queue } from "../../src/index.ts";
import { behindHandler, tidegate } from "../cli/run-cli.ts";
import { root } from "../package/built.ts";
import { serveFetch } from "../support/http-server.ts";
import { commandsOf, guide } from "./guide.ts";

describe("the commands of the guide", () => {
  /** Runs the commands of a script in this process, and returns what they print. */
  async function run(script: string, env: Record<string, string>, options: readonly string[] = []): Promise<string> {
    let output = "";
    for (const command of await commandsOf(script)) {
      const argv = [...command, ...options];
      const { code, stdout, stderr } = await tidegate(argv, { env, cwd: guide });
      expect([code, stderr], argv.join(" ")).toEqual([0, expect.any(String)]);
      output += stdout;
    }
    return output;
  }

  test("work one after the other through a handler", async () => {
    const store = memoryStore();
    await new Queue({ store }).enqueue("send_email", {}, { id: "wrong" });
    const queue = openQueue(store);
    await queue.drain();
    const handler = createHandler({ queue, auth: { admin: ["the-admin-token"] } });
    const server = await serveFetch((request) => handler.fetch(request));
    const output = await run("commands.sh", { TIDEGATE_URL: server.url, TIDEGATE_TOKEN: "the-admin-token" });
    for (const expected of [
      /Dead +1\n/,
      /Enqueued job \S+ in the first queue at \S+\. Due in \d minutes/,
      /No job waits for reply-42\. The signal is kept for 1h/,
      /0 completed/,
      /1 dead job would be retried/,
      /1 waiting job would be removed/,
      /Moved 1 scheduled job: it is due in (1 hour|60 minutes)/,
      /0 +0 +10 per 1m +mail-provider +yes/,
      /0 +0 +none +tenant-acme +no +paused/,
      /Removed 1 pending job/,
      /access +Requests without a token are refused/,
    ])
      expect(output).toMatch(expected);
    await server.stop();
  });

  test("act as the cron of a local Worker", async () => {
    const queue = openQueue(memoryStore());
    await queue.enqueue(sendEmail, { to: "ada@example.com" });
    const handler = createHandler({ queue, auth: { drain: ["a-token-to-drain"] } });
    const server = await serveFetch((request) => handler.fetch(request));
    const env = { TIDEGATE_URL: server.url, TIDEGATE_TOKEN: "a-token-to-drain" };
    expect(await run("local.sh", env, ["--once"])).toMatch(/1 completed/);
    await server.stop();
  });

  test("print what the guide shows", async () => {
    const perform = () => Promise.reject(new PermanentError("The card was declined."));
    const { queue, cli, clock } = behindHandler({ jobs: [sendEmail, defineJob({ name: "charge_card", perform })] });
    await queue.enqueueMany([
      ...Array.from({ length: 12 }, (_, index) => ({ job: "send_email", payload: { to: "ada" }, id: `mail-${index}` })),
      { job: "charge_card", id: "order-1017" },
    ]);
    await queue.drain();
    await queue.enqueueMany([
      { job: "send_email", payload: { to: "ben" } },
      { job: "send_email", payload: { to: "cleo" }, delay: "5m" },
    ]);
    await clock.advance("42s");
    const page = await readFile(join(root, "docs/guide/observe.md"), "utf8");
    for (const command of ["queue:list", "queue:failures", "queue:dlq"])
      expect(page).toContain(
        (await cli([command])).stdout.trimEnd().replace("queue.test/jobs", "app.example.com/queue"),
      );
  });
});

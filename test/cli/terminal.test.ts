import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { defineJob } from "../../src/index.ts";
import { start } from "../support/clock.ts";
import { useRedis } from "../support/stores.ts";
import {
  address,
  adminToken,
  behindHandler,
  documentOf,
  errorOf,
  hasEscapes,
  inRedis,
  type Target,
} from "./run-cli.ts";

const env = { TIDEGATE_URL: address, TIDEGATE_TOKEN: adminToken, NO_COLOR: "1" };
const terminal = { isTerminal: true, columns: 80, env };

/**
 * What a stranger could have put into a queue: text that clears the screen, sets its title, turns its direction, or
 * does not fit.
 */
const hostile = "\u009b2J\u009d0;owned\u009c\u202edrowssap";
const wide = "日本語のとても長い名前のジョブ".repeat(3);
/** What of it may be in a name, an id or a key. */
const broken = "broken\u2028off";
const names = [broken, wide, "n".repeat(128), "👨‍👩‍👧".repeat(9)];
const jobs = names.map((name) =>
  defineJob({
    name,
    maxRetries: 1,
    perform() {
      throw new Error(
        `first line ${hostile}\nsecond line \u001b[31mred\u001b[2J\u0007 ${wide}\r\n\n${"word ".repeat(90)}`,
      );
    },
  }),
);

/** Each job dead, waiting for its retry, ready and scheduled. */
async function fill({ queue, clock }: Pick<Target, "queue" | "clock">): Promise<void> {
  const ids = [undefined, `${"i".repeat(250)}`, `${wide}-${broken}`];
  for (const [round, delay] of ["0s", "1s", "2s", "1h"].entries()) {
    for (const job of jobs)
      for (const id of ids)
        await queue.enqueue(job, undefined, {
          ...(id && { id: `${round}${names.indexOf(job.name)}-${id}`.slice(0, 256) }),
          delay: delay as "0s",
        });
    await queue.drain();
    await clock.advance("70s");
  }
  await queue.schedules.upsert(wide, {
    job: jobs[0]?.name ?? "",
    cron: "0 0,10,20,30,40,50 0,6,12,18 1,15,31 1,6,12 *",
    timeZone: "America/Argentina/ComodRivadavia",
  });
  await queue.flowControl.set(broken, { concurrency: 100_000, rate: 1_000_000, period: "1h" });
}

describe("on a terminal of 80 columns", () => {
  test.each(["queue:jobs", "queue:jobs --state dead", "queue:dlq", "queue:schedules", "queue:flow", "queue:list"])(
    "%s fits, however long names, ids and errors are, and changes nothing else on screen",
    async (command) => {
      const target = behindHandler({ jobs, logger: null });
      await fill(target);
      const { code, stdout } = await target.cli(command.split(" "), terminal);
      expect(code).toBe(0);
      const lines = stdout.split("\n");
      expect(lines.length).toBeGreaterThan(2);
      expect(lines.filter((line) => stringWidth(line) > 80)).toEqual([]);
      expect(stdout.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\u202e/u);
    },
  );

  test("errors can be read: they stand below their jobs", async () => {
    const target = behindHandler({ jobs, logger: null });
    await fill(target);
    const { stdout } = await target.cli(["queue:jobs"], terminal);
    expect(stdout).toMatch(
      /\n {10}Error: first line \ufffd2J\ufffd0;owned\ufffd\ufffddrowssap second line \ufffd\[31mred\ufffd\[2J\ufffd\n {10}日本語/u,
    );
    const one = await target.cli(["queue:jobs", "--wide"], terminal);
    expect(one.stdout).toContain("word ".repeat(90).trim());
    expect(hasEscapes(one.stdout)).toBe(false);
  });

  test("--json has the same text, and changes nothing on screen either", async () => {
    const payload = { to: `${hostile}\u007f\u2028`, [hostile]: 1 };
    const { queue, cli } = behindHandler({ jobs: [defineJob({ name: "send", perform: () => {} })], logger: null });
    await queue.enqueue("send", payload, { id: "a" });
    const shown = await cli(["queue:jobs", "a", "--json"], terminal);
    expect(documentOf(shown)).toMatchObject({ payload });
    const unknown = await cli([`queue:${hostile}`, "--json"], terminal);
    expect(errorOf(unknown).message).toContain(hostile);
    for (const text of [shown.stdout, unknown.stderr]) expect(text.trimEnd()).not.toMatch(/[\p{Cc}\u202e\u2028]/u);
  });

  describe("an id is short", () => {
    const send = defineJob({ name: "send", maxRetries: 0, perform: (isBroken: boolean) => void (isBroken && fail()) });
    const fail = () => {
      throw new Error("no luck");
    };

    test("and queue:jobs takes it, as long as it names one job", async () => {
      const { queue, cli } = behindHandler({ jobs: [send] });
      const { id } = await queue.enqueue(send, false, { delay: "1h" });
      await queue.enqueue(send, false, { id: "invoice-2026-0001", delay: "1h" });
      await queue.enqueue(send, false, { id: "invoice-2026-0002", delay: "1h" });
      const { stdout } = await cli(["queue:jobs"], terminal);
      expect(stdout).toMatch(new RegExp(`\n${id.slice(-8)} +scheduled`));
      const shown = await cli(["queue:jobs", id.slice(-8), "--json"]);
      expect(documentOf(shown)).toMatchObject({ id });
      expect(documentOf(await cli(["queue:jobs", "invoice-2026-0002…", "--json"]))).toMatchObject({
        id: "invoice-2026-0002",
      });
      const several = await cli(["queue:jobs", "invoice-…"]);
      expect(several).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('"invoice-…" is ambiguous: 2 matches.'),
      });
      expect((await cli(["queue:jobs", "00000000"])).code).toBe(1);
      expect((await cli(["queue:jobs", id.slice(-7)])).code).toBe(1);
      expect((await cli(["queue:jobs", id.slice(-8), "--cancel", "--yes"])).stdout).toBe(`Removed job ${id} (send).\n`);
    });

    test("and a whole id that looks like a short one is taken first", async () => {
      const { queue, cli } = behindHandler({ jobs: [send] });
      const { id } = await queue.enqueue(send, false);
      await queue.enqueue(send, false, { id: id.slice(-8) });
      expect(documentOf(await cli(["queue:jobs", id.slice(-8), "--json"]))).toMatchObject({ id: id.slice(-8) });
    });

    test("and queue:dlq shows, retries and removes by it, among dead jobs alone", async () => {
      const { queue, cli } = behindHandler({ jobs: [send] });
      const [dead, other, waits] = await queue.enqueueMany([
        { job: send, payload: true },
        { job: send, payload: true },
        { job: send, payload: true, delay: "1h" },
      ]);
      await queue.drain();
      const short = (id = "") => id.slice(-8);
      expect(documentOf(await cli(["queue:dlq", "show", short(dead?.id), "--json"]))).toMatchObject({ id: dead?.id });
      expect((await cli(["queue:dlq", "show", short(waits?.id)])).code).toBe(1);
      expect(documentOf(await cli(["queue:dlq", "retry", short(dead?.id), "--json"]))).toEqual({ retried: 1 });
      expect((await cli(["queue:dlq", "remove", short(waits?.id), "--yes"])).code).toBe(1);
      expect(documentOf(await cli(["queue:dlq", "remove", short(other?.id), "--yes", "--json"]))).toEqual({
        removed: 1,
      });
      expect(await queue.getStats()).toMatchObject({ deadLetterCount: 0, readyCount: 1, scheduledCount: 1 });
    });
  });
});

describe("queue:work on a terminal", () => {
  const redis = useRedis();

  test("has a line an attempt, with a short id, and the reason below it", async () => {
    const { queue, cli } = inRedis(redis);
    const [sent, dead] = await queue.enqueueMany([
      { job: "send_email", payload: { to: "ada" } },
      { job: "fails", payload: {} },
    ]);
    const work = ["queue:work", "--once", "--module", "./modules/jobs.ts"];
    const colored = await cli(work, { isTerminal: true, columns: 80 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
    const plain = colored.stdout.replace(/\u001b\[\d+m/g, "");
    const time = new Date(start).toLocaleTimeString("en-GB");
    const line = (outcome: string, name: string, id = "", of = 4) =>
      `${time}  ${outcome}  ${name}  ${id.slice(-8)}      0 ms  1/${of}\n`;
    expect(plain).toContain(line("completed", "send_email", sent?.id));
    expect(plain).toMatch(new RegExp(`${line("dead     ", "fails *", dead?.id, 1)} {10}Error: no luck\n`));
  });
});

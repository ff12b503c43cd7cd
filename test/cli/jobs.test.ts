import { describe, expect, test } from "vitest";
import type { JobInfo } from "../../src/index.ts";
import { defineJob } from "../../src/index.ts";
import { documentOf, errorOf, fails, kill, onEveryTarget, sendEmail, type Target } from "./run-cli.ts";

onEveryTarget((open) => {
  describe("queue:jobs", () => {
    test("lists jobs in a table, without their payloads", async () => {
      const target = open();
      await target.queue.enqueue(sendEmail, { to: "secret-address" }, { id: "first" });
      await target.queue.enqueue(sendEmail, { to: "ada" }, { id: "later", delay: "5m" });
      await kill(target, 1);
      const { code, stdout, stderr } = await target.cli(["queue:jobs", ...target.knowing]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(/^ID +STATE +ATTEMPTS +WHEN +NAME +ERROR\n/);
      expect(stdout).toMatch(/later +scheduled +0 of 4 +in 5 minutes +send_email/);
      expect(stdout).toMatch(/dead +1 of 1 +now +fails +Error: no luck\n/);
      expect(stdout).not.toContain("secret-address");
    });

    test("shows what has become of the children of a job", async () => {
      const { queue, cli } = open();
      const children = [
        { job: sendEmail, payload: { to: "ada" } },
        { job: sendEmail, payload: { to: "ben" }, delay: "1h" },
        { job: fails, payload: undefined, maxRetries: 0 },
      ] as const;
      const { id } = await queue.enqueue(sendEmail, { to: "all" }, { id: "report", children });
      await queue.drain();
      const { code, stdout } = await cli(["queue:jobs", id]);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Children █{20}░{10} 2 of 3 {2}1 pending, 1 completed, 1 dead$/m);
      expect(stdout).toMatch(/report\/000001 +scheduled/);
      expect(stdout).toMatch(/report\/000002 +dead/);
    });

    test("begins with what runs and what happened last, and ends with scheduled jobs, ten of each state", async () => {
      const { queue, clock, cli } = open();
      await queue.enqueue(sendEmail, { to: "ada" }, { id: "done" });
      await queue.drain();
      await clock.advance("1m");
      await queue.enqueue("fails", {}, { id: "dead" });
      await queue.drain();
      await clock.advance("1m");
      for (const minutes of [12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] as const)
        await queue.enqueue(sendEmail, { to: "ada" }, { id: `in-${minutes}`, delay: `${minutes}m` });
      await queue.enqueue(sendEmail, { to: "ada" }, { id: "due" });
      const idsOf = (stdout: string) => stdout.split("\n").flatMap((line) => line.split(/ +/, 1));
      const { stdout, stderr } = await cli(["queue:jobs"]);
      const soonest = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((minutes) => `in-${minutes}`);
      expect(idsOf(stdout)).toEqual(["ID", "due", "dead", "done", ...soonest, ""]);
      expect(stderr).toBe("More follow. Add --state STATE, --limit COUNT of each state, or --all.\n");
      const limited = await cli(["queue:jobs", "--limit", "1", "--name", "send_email"]);
      expect(idsOf(limited.stdout)).toEqual(["ID", "due", "done", "in-1", ""]);
      const { jobs } = documentOf(await cli(["queue:jobs", "--json"])) as { jobs: JobInfo[] };
      expect(jobs.at(-1)).toMatchObject({ id: "dead" });
      expect(jobs).toHaveLength(15);
    });

    test("cancels a waiting job after a confirmation", async () => {
      const { queue, cli } = open();
      await queue.enqueue(sendEmail, { to: "ada" }, { id: "mail" });
      const refused = await cli(["queue:jobs", "mail", "--cancel"]);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("Add --yes") });
      const declined = await cli(["queue:jobs", "mail", "--cancel"], { isTerminal: true, input: "n\n" });
      expect(declined.stderr).toContain("remove job mail (send_email) for good? [y/N]");
      expect(await queue.getJob("mail")).not.toBeNull();
      const { code, stdout } = await cli(["queue:jobs", "mail", "--cancel", "--yes"]);
      expect({ code, stdout }).toEqual({ code: 0, stdout: "Removed job mail (send_email).\n" });
      expect(await queue.getJob("mail")).toBeNull();
    });

    test("reschedules a waiting job, and makes it due now", async () => {
      const { queue, cli } = open();
      await queue.enqueue(sendEmail, { to: "ada" }, { id: "mail", delay: "1h" });
      const moved = await cli(["queue:jobs", "mail", "--reschedule", "5m"]);
      expect(moved.stdout).toBe("Job mail (send_email) runs in 5 minutes (2026-03-01 12:05:00 UTC).\n");
      const at = await cli(["queue:jobs", "mail", "--reschedule", "2026-03-01T13:00:00Z", "--json"]);
      expect(documentOf(at)).toMatchObject({ id: "mail", runAt: "2026-03-01T13:00:00.000Z" });
      const now = await cli(["queue:jobs", "mail", "--run"]);
      expect(now.stdout).toBe("Job mail (send_email) runs with the next drain.\n");
      expect(await queue.getJob("mail")).toMatchObject({ state: "ready" });
    });

    test("cancels all waiting jobs of a name after a confirmation, which says how many", async () => {
      const { queue, cli } = open();
      await queue.enqueueMany([1, 2, 3].map(() => ({ job: sendEmail, payload: { to: "ada" } })));
      await queue.enqueue("fails", {}, { delay: "1h" });
      const argv = ["queue:jobs", "--name", "send_email", "--cancel"];
      expect((await cli([...argv, "--dry-run"])).stdout).toBe("3 waiting jobs would be removed.\n");
      expect(documentOf(await cli([...argv, "--dry-run", "--json"]))).toEqual({ cancelled: 3, dryRun: true });
      expect(await cli(argv)).toMatchObject({ code: 2, stderr: expect.stringContaining("Add --yes") });
      const declined = await cli(argv, { isTerminal: true, input: "n\n" });
      expect(declined.stderr).toContain("remove 3 waiting jobs named send_email for good? [y/N]");
      expect(await queue.getStats()).toMatchObject({ pendingCount: 4 });
      expect((await cli([...argv, "--yes"])).stdout).toBe("Removed 3 waiting jobs.\n");
      expect(documentOf(await cli([...argv, "--yes", "--json"]))).toEqual({ cancelled: 0 });
      expect(await queue.getStats()).toMatchObject({ pendingCount: 1 });
    });

    test("moves all waiting jobs of a state, or runs them now", async () => {
      const { queue, cli } = open();
      await queue.enqueueMany([1, 2].map(() => ({ job: sendEmail, payload: { to: "ada" }, delay: "1m" as const })));
      const moved = await cli(["queue:jobs", "--all", "--state", "scheduled", "--reschedule", "5m"]);
      expect(moved.stdout).toBe("Moved 2 waiting jobs: they run in 5 minutes (2026-03-01 12:05:00 UTC).\n");
      const asked = await cli(["queue:jobs", "--all", "--run"], { isTerminal: true, input: "y\n" });
      expect(asked.stderr).toContain("move all 2 waiting jobs? [y/N]");
      expect(asked.stdout).toBe("Moved 2 waiting jobs: they run with the next drain.\n");
      expect((await cli(["queue:jobs", "--all", "--state", "scheduled", "--run"])).stdout).toBe(
        "No matching jobs wait.\n",
      );
      expect(await queue.getStats()).toMatchObject({ readyCount: 2 });
    });

    test("changes no job that does not wait, and says how to retry a dead one", async () => {
      const target = open();
      await target.queue.enqueue("fails", {}, { id: "broken" });
      await target.queue.drain();
      for (const action of [["--cancel", "--yes"], ["--reschedule", "5m"], ["--run"]]) {
        const { code, stderr } = await target.cli(["queue:jobs", "broken", ...action]);
        expect(code).toBe(1);
        expect(stderr).toMatch(
          /Job "broken" does not wait: it is dead|The job is dead. Retry it with: .* retry broken/,
        );
      }
    });

    test.each([
      [["--cancel"], "--cancel needs to know which jobs."],
      [["--run", "--state", "ready"], "--run needs to know which jobs."],
      [["--cancel", "--all", "--state", "dead"], "--cancel is for jobs that wait."],
      [["--cancel", "--all", "--limit", "5"], "leave out --limit."],
      [["--cancel", "--all", "--running"], "--running is for --cancel with the ID"],
      [["mail", "--cancel", "--dry-run"], "--dry-run is for"],
      [["mail", "--cancel", "--run"], "Give --cancel or --run, not both."],
      [["mail", "--run", "--yes"], "--yes is for --cancel,"],
      [["mail", "--reschedule", "soon"], "It must be a time"],
    ])("refuses %j", async (argv, message) => {
      const { code, stderr } = await open().cli(["queue:jobs", ...argv]);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
    });

    test("filters by state and name, and continues from a cursor", async () => {
      const { queue, cli } = open();
      for (const id of ["a", "b", "c"]) await queue.enqueue(sendEmail, { to: "ada" }, { id });
      const page = await cli(["queue:jobs", "--state", "ready", "--name", "send_email", "--limit", "2", "--json"]);
      const { jobs, cursor } = documentOf(page) as { jobs: { id: string }[]; cursor: string };
      expect(jobs.map(({ id }) => id)).toEqual(["a", "b"]);
      const { stderr } = await cli(["queue:jobs", "--state", "ready", "--limit", "2"]);
      expect(stderr).toContain(`--cursor '${cursor}'`);
      const rest = await cli(["queue:jobs", "--state", "ready", "--cursor", cursor, "--json"]);
      expect(documentOf(rest)).toMatchObject({ jobs: [{ id: "c" }], cursor: null });
      expect(documentOf(await cli(["queue:jobs", "--name", "other", "--json"]))).toEqual({ jobs: [], cursor: null });
      expect((await cli(["queue:jobs", "--name", "other"])).stdout).toBe("No matching jobs.\n");
    });

    test("--all reads every page, and shows its progress on a terminal", async () => {
      const { queue, cli } = open();
      for (const id of ["a", "b", "c"]) await queue.enqueue(sendEmail, { to: "ada" }, { id });
      const argv = ["queue:jobs", "--all", "--limit", "1"];
      expect(documentOf(await cli([...argv, "--json"]))).toMatchObject({
        jobs: [{ id: "a" }, { id: "b" }, { id: "c" }],
      });
      const { stderr } = await cli(argv, { isTerminal: true });
      expect(stderr).toContain("2 jobs read");
      expect(stderr.endsWith("\r\u001b[K")).toBe(true);
    });

    test("with an id shows everything about one", async () => {
      const { queue, cli } = open();
      await queue.enqueue(sendEmail, { to: "ada" }, { id: "mail" });
      await queue.drain();
      const { stdout } = await cli(["queue:jobs", "mail"]);
      expect(stdout).toMatch(/State +completed/);
      expect(stdout).toMatch(/Payload +\{"to":"ada"\}/);
      expect(stdout).toMatch(/Result +\{"sent":true\}/);
      expect(documentOf(await cli(["queue:jobs", "mail", "--json"]))).toMatchObject({ id: "mail", state: "completed" });
    });

    test.each([
      [{ done: 4_000, of: 10_000 }, '█{12}░{18} 40%  \\{"done":4000,"of":10000\\}'],
      [0.405, "█{12}░{18} 41%"],
      [100, "█{30} 100%"],
      ["at the gate", '"at the gate"'],
    ])("shows the progress %j", async (progress, text) => {
      let stdout = "";
      const job = defineJob({
        name: "imports",
        async perform(_, context) {
          await context.progress(progress);
          ({ stdout } = await target.cli(["queue:jobs", "one"]));
        },
      });
      const target = open({ jobs: [job] });
      await target.queue.enqueue(job, undefined, { id: "one" });
      await target.queue.drain();
      expect(stdout).toMatch(new RegExp(`\nProgress +${text}\n`));
    });

    test("with an id refuses the options of a list", async () => {
      const { cli } = open();
      for (const option of [["--state", "dead"], ["--limit", "50"], ["--all"]]) {
        const { code, stderr } = await cli(["queue:jobs", "mail", ...option]);
        expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`leave out ${option[0]}.`) });
      }
    });

    test("shows the maximum of attempts if it is known", async () => {
      const shown = async ({ cli, knowing }: Target, id: string) => {
        const { stdout } = await cli(["queue:jobs", id, ...knowing]);
        const { maxRetries } = documentOf(await cli(["queue:jobs", id, "--json", ...knowing])) as JobInfo;
        return [/Attempts +(.*)/.exec(stdout)?.[1], maxRetries];
      };
      const known = open();
      await known.queue.enqueue(fails, undefined, { id: "defined" });
      expect(await shown(known, "defined")).toEqual(["0 of 1", 0]);
      const unknown = open({ jobs: [] });
      await unknown.queue.enqueue("strange", undefined, { id: "set", maxRetries: 7 });
      await unknown.queue.enqueue("strange", undefined, { id: "unset" });
      expect(await shown(unknown, "set")).toEqual(["0 of 8", 7]);
      expect(await shown(unknown, "unset")).toEqual(["0", null]);
    });

    test("an unknown id fails", async () => {
      const { cli } = open();
      const result = await cli(["queue:jobs", "nobody", "--json"]);
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(errorOf(result).code).toBe("not_found");
    });

    test("an invalid cursor is a usage error", async () => {
      expect((await open().cli(["queue:jobs", "--cursor", "?"])).code).toBe(2);
    });
  });
});

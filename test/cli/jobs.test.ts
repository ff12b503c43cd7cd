import { describe, expect, test } from "vitest";
import type { JobInfo } from "../../src/index.ts";
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
      expect(stdout).toMatch(/^ID +STATE +ATTEMPTS +WHEN +NAME\n/);
      expect(stdout).toMatch(/later +scheduled +0 of 4 +in 5 minutes +send_email/);
      expect(stdout).not.toContain("secret-address");
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

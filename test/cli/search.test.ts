import { describe, expect, test } from "vitest";
import { behindHandler, documentOf, onEveryTarget, sendEmail } from "./run-cli.ts";

onEveryTarget((open) => {
  describe("queue:jobs that searches", () => {
    test("finds jobs by a field of their payload, by any text in it, and by name, id or error", async () => {
      const { queue, cli } = open();
      await queue.enqueue(sendEmail, { to: "ada@example.com" }, { id: "one" });
      await queue.enqueue(sendEmail, { to: "ben@example.com" }, { id: "two" });
      const found = async (...argv: string[]) => {
        const page = documentOf(await cli(["queue:jobs", ...argv, "--json"])) as { jobs: { id: string }[] };
        return page.jobs.map(({ id }) => id);
      };
      expect(await found("--search-payload", "to=ADA@")).toEqual(["one"]);
      expect(await found("--search-payload", "ben@example")).toEqual(["two"]);
      expect(await found("--search-payload", "cc=ada")).toEqual([]);
      expect(await found("--search", "tw")).toEqual(["two"]);
      expect(await found("--search", "BEN@")).toEqual(["two"]);
      expect(await found("--search", "SEND_")).toEqual(["one", "two"]);
      expect(await found("--search", "send_", "--state", "dead")).toEqual([]);
      const { stdout, stderr } = await cli(["queue:jobs", "--search", "nothing"]);
      expect({ stdout, stderr }).toEqual({ stdout: "No matching jobs.\n", stderr: "2 jobs examined.\n" });
    });

    test.each([
      ["one", "leave out --search."],
      ["--cancel", "leave out --search."],
      ["--name=send_email", "Give --search or --name, not both."],
      ["--limit=3", "Give --search or --limit, not both."],
      ["--search-payload=x", "Give --search or --search-payload, not both."],
    ])("refuses %s beside --search", async (other, named) => {
      const { code, stderr } = await open().cli(["queue:jobs", "--search", "x", other]);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(named) });
    });
  });
});

test("a search through a handler examines 1,000 jobs in few requests, says so, and goes on with --cursor or --all", async () => {
  const { queue, fetch, cli } = behindHandler();
  for (let piece = 0; piece < 3; piece++)
    await queue.enqueueMany(Array.from({ length: 500 }, () => ({ job: sendEmail, payload: { to: "ada" } })));
  await queue.enqueue(sendEmail, { to: "ben" }, { id: "the-one" });
  let requests = 0;
  const counting = (request: Request) => {
    requests++;
    return fetch(request);
  };
  const search = ["queue:jobs", "--search-payload", "to=ben"];
  const first = await cli(search, { fetch: counting });
  expect(requests).toBeLessThanOrEqual(6);
  expect(first.stdout).toBe("No matching jobs.\n");
  const [, cursor = ""] =
    /^1,000 jobs examined\.\nMore follow\. Add --cursor '(.*)', or --all\.\n$/.exec(first.stderr) ?? [];
  expect(documentOf(await cli([...search, "--cursor", cursor, "--json"]))).toMatchObject({
    jobs: [{ id: "the-one" }],
    examined: 501,
    cursor: null,
  });
  expect(documentOf(await cli([...search, "--all", "--json"]))).toMatchObject({
    jobs: [{ id: "the-one" }],
    examined: 1_501,
  });
});

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  address,
  adminToken,
  behindHandler,
  documentOf,
  errorOf,
  hasEscapes,
  tidegate,
  type World,
} from "./run-cli.ts";

const names = [
  "queue:work",
  "queue:list",
  "queue:enqueue",
  "queue:signal",
  "queue:jobs",
  "queue:failures",
  "queue:dlq",
  "queue:schedules",
  "queue:pause",
  "queue:resume",
  "queue:types",
  "queue:clear",
  "queue:rekey",
  "queue:flow",
  "queue:changes",
  "queue:doctor",
  "dev",
];

describe("help", () => {
  test("is what the bare command prints, with every command in it", async () => {
    const { code, stdout, stderr } = await tidegate([]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const name of names) expect(stdout).toContain(name);
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
    const listed = stdout.slice(stdout.indexOf("Commands:")).match(/^ {2}(?:dev|queue:\w+)/gm);
    expect(listed).toHaveLength(names.length);
    expect(await tidegate(["--help"])).toEqual(await tidegate([]));
  });

  test.each(names)("of %s has examples of the command, and the global options", async (name) => {
    const { code, stdout } = await tidegate([name, "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\n(?: +# .+\n)? +tidegate ${name}`));
    expect(stdout).toContain("--json");
    expect(stdout.split("\n").filter((line) => line.length > 80)).toEqual([]);
  });

  test.each([
    ["queue:jobs show", "the id of a job, not the option", /id +the job's id, or the short id of a list\n/],
    ["queue:enqueue", "the name of a job, not the option", /name +the job's name\n/],
    ["queue:jobs show", "each scope that is enough", /the scope enqueue, read or admin\./],
    [
      "queue:jobs",
      "the options of its list, and each subcommand but that",
      /--state <which>[\s\S]*Commands:\n +show <id>/,
    ],
  ])("of %s names %s", async (words, _, line) => {
    const { stdout } = await tidegate([...words.split(" "), "--help"]);
    expect(stdout).toMatch(line);
  });

  test("of queue:jobs run offers no time, since it runs jobs now", async () => {
    expect((await tidegate(["queue:jobs", "run", "--help"])).stdout).not.toMatch(/--run-at|--delay/);
  });

  test("of a subcommand is what its own --help prints", async () => {
    const own = await tidegate(["queue:dlq", "retry", "--help"]);
    expect(own.stdout).toContain("tidegate queue:dlq retry ");
    expect(await tidegate(["help", "queue:dlq", "retry"])).toEqual(own);
  });

  test("wraps lines at the width of the terminal", async () => {
    const { stdout } = await tidegate(["queue:work", "--help"], { isTerminal: true, columns: 80 });
    const [beforeExamples = ""] = stdout.split("Examples:");
    const widths = beforeExamples.split("\n").map((line) => stripVTControlCharacters(line).length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(80);
    expect(Math.max(...widths)).toBeGreaterThan(70);
  });
});

test("--version prints the version of the package", async () => {
  const { code, stdout } = await tidegate(["--version"]);
  expect(code).toBe(0);
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
  expect(stdout).toBe(`${version}\n`);
});

describe("beside tidegate dev, no variable is set", () => {
  async function folder(files: Readonly<Record<string, string>>): Promise<string> {
    const made = await mkdtemp(join(tmpdir(), "tidegate-folder-"));
    onTestFinished(() => rm(made, { recursive: true }));
    await mkdir(join(made, ".tidegate"));
    for (const [name, text] of Object.entries(files)) await writeFile(join(made, name), text);
    return made;
  }

  test("the Redis of .tidegate is used, with a module of jobs too, and said to be", async () => {
    const cwd = await folder({
      ".tidegate/dev.json": JSON.stringify({ restPort: 1, restToken: "t" }),
      ".dev.vars": "",
    });
    const jobs = join(import.meta.dirname, "modules/jobs.ts");
    const { code, stderr } = await tidegate(["queue:list", "--module", jobs], { cwd });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /^Using the queue of \.tidegate\.\nerror: .* Check that tidegate dev runs, .* is 127\.0\.0\.1:1\.\n$/,
      ),
    });
  });

  test.each([".dev.vars", ".env.local"])("else what %s names", async (file) => {
    const cwd = await folder({ [file]: `TIDEGATE_URL="${address}"\nTIDEGATE_TOKEN=${adminToken}\n` });
    const { fetch, clock } = behindHandler();
    const { code, stderr } = await tidegate(["queue:pause"], { cwd, fetch, clock });
    expect({ code, stderr }).toEqual({ code: 0, stderr: `Using the queue of ${file}.\n` });
    const env = { TIDEGATE_URL: "https://elsewhere.test/jobs", TIDEGATE_TOKEN: "a" };
    expect((await tidegate(["queue:pause"], { cwd, fetch, env })).stderr).not.toContain("Using");
  });
});

test.each([
  ["0.0.9", "and the handler version 0.0.9. Deploy it again, or run npx tidegate@0.0.9."],
  [undefined, "and the handler an older version. Deploy it again."],
])("a handler of version %s that lacks what is asked for is said to be another", async (theirs, message) => {
  const detail = 'Unknown option "runs" in the query.';
  const fetch = ({ url }: Request) =>
    new URL(url).pathname.endsWith("/health")
      ? Response.json({ status: "ok", version: theirs })
      : Response.json({ status: 400, title: "", code: "invalid_request", detail }, { status: 400 });
  const { code, stderr } = await behindHandler().cli(["queue:schedules"], { fetch });
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
});

describe("a usage error exits with 2 and says what to do on standard error", () => {
  test.each([
    [["--url", address], "The command is missing.\nSee tidegate --help."],
    [["help", "queue:lisst"], "unknown command 'queue:lisst'\n(Did you mean queue:list?)\nSee tidegate --help."],
    [["--json", "queue:lisst", "--help"], "unknown command 'queue:lisst'\\n(Did you mean queue:list?)"],
    [["queue:list", "--jason"], "unknown option '--jason'\n(Did you mean --json?)\nSee tidegate queue:list --help."],
    [["queue:jobs", "--limit", "x"], "See tidegate queue:jobs --help."],
    [["queue:jobs", "stop"], "missing required argument 'id'\nSee tidegate queue:jobs stop --help."],
  ])("%j", async (argv, message) => {
    const { code, stdout, stderr } = await tidegate(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test("no target", async () => {
    const { code, stderr } = await tidegate(["queue:list"]);
    expect(code).toBe(2);
    expect(stderr).toContain("TIDEGATE_URL");
    expect(stderr).toContain("UPSTASH_REDIS_REST_URL");
    expect(stderr).toContain("--module");
  });

  test.each([
    [{ UPSTASH_REDIS_REST_URL: "https://redis.test" }, [], "UPSTASH_REDIS_REST_TOKEN is not set."],
    [{ UPSTASH_REDIS_REST_URL: "rediss://redis.test", UPSTASH_REDIS_REST_TOKEN: "t" }, [], "needs the REST url"],
    [{ TIDEGATE_URL: "queue.test" }, [], "The address of the handler is not a valid URL"],
    [{ TIDEGATE_URL: "https://ada:s3cret@queue.test" }, [], "contains a password"],
    [{ TIDEGATE_URL: address, TIDEGATE_TOKEN: "s3cret\ntoken" }, [], "The token contains an invalid character"],
    [
      { UPSTASH_REDIS_REST_URL: "https://redis.test", UPSTASH_REDIS_REST_TOKEN: "s3cret\n" },
      [],
      "an invalid character",
    ],
    [{ TIDEGATE_URL: address }, ["--prefix", "x"], "--prefix is for a queue in Redis"],
    [
      { UPSTASH_REDIS_REST_URL: "https://r.test", UPSTASH_REDIS_REST_TOKEN: "t" },
      ["--token", "s3cret"],
      "for a handler",
    ],
  ])("a target that is not complete: %j %j", async (env, argv, message) => {
    const { code, stderr } = await tidegate(["queue:list", ...argv], { env });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("s3cret");
  });

  test("is JSON with --json", async () => {
    for (const argv of [["queue:lisst"], ["queue:list"], ["queue:jobs", "--limit", "0"], []]) {
      const result = await tidegate([...argv, "--json"]);
      expect(result).toMatchObject({ code: 2, stdout: "" });
      expect(errorOf(result)).toEqual({ code: "invalid_request", message: expect.any(String) });
    }
  });
});

describe("a failure exits with 1", () => {
  test("if nothing answers", async () => {
    const fetch = () => Promise.reject(new Error(`connect to ${address} with ${adminToken}`));
    const result = await behindHandler().cli(["queue:list", "--json"], { fetch });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(errorOf(result).code).toBe("store_unavailable");
    expect(result.stderr).not.toContain(adminToken);
  });

  test("if the token is unknown, or has no permission", async () => {
    const { cli } = behindHandler();
    expect(errorOf(await cli(["queue:list", "--json", "--token", "wrong"])).code).toBe("unauthorized");
    expect(errorOf(await cli(["queue:list", "--json", "--token", "the-drain-token"])).code).toBe("forbidden");
    const { code, stderr } = await cli(["queue:list", "--token", "wrong"]);
    expect(code).toBe(1);
    const advice = "Set TIDEGATE_TOKEN to a token that may do this, or give --token.\n";
    expect(stderr).toContain(advice);
    expect((await cli(["queue:pause", "--token", "the-read-token"])).stderr).toContain(advice);
    const env = { TIDEGATE_URL: address };
    expect((await cli(["queue:list"], { env })).stderr).toBe(`error: The handler needs a token.\n${advice}`);
  });

  test.each<[what: string, fetch: NonNullable<World["fetch"]>]>([
    ["a Redis behind its REST API", () => Response.json({ error: "Unauthorized" }, { status: 401 })],
    ["nothing", () => Promise.reject(new Error("refused"))],
    [
      "another path of the app",
      () =>
        Response.json(
          { code: "not_found", detail: "Not found. See /openapi.json. If it is longer, set basePath." },
          { status: 404 },
        ),
    ],
  ])("if --url names %s, and says what it names instead", async (_, fetch) => {
    const { code, stderr } = await behindHandler().cli(["queue:list"], { fetch });
    expect(code).toBe(1);
    expect(stderr).toMatch(/that --url is where the app serves the handler, .* For a Redis give redis:/);
  });

  test("and an unexpected error is reported, not thrown", async () => {
    const { cli } = behindHandler();
    const clock = () => {
      throw new Error("the clock fell down");
    };
    expect(await cli(["queue:list"], { clock })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("fell down"),
    });
  });
});

test("colours of errors depend on standard error", async () => {
  expect(hasEscapes((await tidegate(["queue:list"], { isTerminal: true, isPiped: true })).stderr)).toBe(true);
  expect(hasEscapes((await tidegate(["queue:list"])).stderr)).toBe(false);
});

test("a flag overrides the environment, before or after the command", async () => {
  const { cli } = behindHandler();
  const env = { TIDEGATE_URL: "https://elsewhere.test", TIDEGATE_TOKEN: "wrong" };
  const flags = ["--url", `${address}/`, "--token", adminToken, "--json"];
  const before = await cli([...flags, "queue:list"], { env });
  const after = await cli(["queue:list", ...flags], { env });
  expect(documentOf(after)).toEqual(documentOf(before));
});

test("--queue selects one of a handler's queues", async () => {
  const { cli } = behindHandler({ name: "bulk" });
  expect((await cli(["queue:list", "--queue", "bulk"])).stdout).toContain("Queue bulk at queue.test/jobs");
  expect(errorOf(await cli(["queue:list", "--queue", "other", "--json"])).code).toBe("not_found");
});

import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { plans } from "../../src/cli/plan.ts";
import { operations } from "../../src/contract/operations.ts";
import { routes } from "../../src/http/routes/index.ts";
import { start } from "../support/clock.ts";
import { address, adminToken, behindHandler, kill, tidegate } from "./run-cli.ts";

// A terminal of 80 columns, and the longest names, ids and counts that a handler can answer with.

const WIDTH = 80;
const terminal = { isTerminal: true, columns: WIDTH };
const DAY_MS = 86_400_000;

type Schema = Readonly<Record<string, unknown>>;

const longest = (texts: readonly string[]) => texts.toSorted((one, other) => other.length - one.length)[0] ?? "";

/** Half of its characters take two columns. */
const long = "ä-long-名前-".repeat(32).slice(0, 256);

/** Fields that a schema only calls a text, or that a command shows in a form of its own. */
const known: Readonly<Record<string, unknown>> = {
  group: "70de0d2750ae",
  timeZone: "America/Argentina/ComodRivadavia",
  operation: longest(Object.keys(operations)),
  occurrences: [new Date(start).toISOString()],
  period: 366 * DAY_MS,
  stack: "Error: no luck",
  cursor: null,
};

/** The widest value of a schema. */
function widestOf(schema: Schema, name = ""): unknown {
  if (name in known) return known[name];
  const {
    type,
    format,
    anyOf,
    enum: words,
    properties,
    items,
  } = schema as {
    readonly type?: string | readonly string[];
    readonly format?: string;
    readonly anyOf?: readonly Schema[];
    readonly enum?: readonly unknown[];
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly items?: Schema;
  };
  const kinds = [type].flat();
  if ("const" in schema) return schema["const"];
  if (words) return longest(words.filter((word) => typeof word === "string"));
  if (anyOf) {
    const texts = anyOf.map((each) => JSON.stringify(widestOf(each, name)));
    return JSON.parse(longest(texts));
  }
  if (format === "date-time") return new Date(start - 999 * DAY_MS).toISOString();
  if (properties) return Object.fromEntries(Object.entries(properties).map(([each, of]) => [each, widestOf(of, each)]));
  if (kinds.includes("array")) return Array.from({ length: 3 }, () => widestOf(items ?? {}, name));
  if (kinds.includes("integer") || kinds.includes("number")) return /^(attempts?|maxRetries)$/.test(name) ? 999 : 1e11;
  if (kinds.includes("boolean")) return true;
  return kinds.includes("string") ? long : { [long]: long };
}

/** A handler whose every answer is as wide as it can be. @param queues how many it serves */
const widestHandler = (queues: number, isOfDead: boolean) => (request: Request) => {
  const path = new URL(request.url).pathname.replace(/^\/jobs/, "").replace(/^\/queues\/[^/]+(?=\/)/, "");
  const route = routes.find(
    (each) => each.method === request.method && new RegExp(`^${each.path.replace(/:\w+/g, "[^/]+")}$`).test(path),
  );
  const [{ json = {} } = {}] = Object.values(route?.responses ?? {});
  const answer = widestOf(json) as Record<string, unknown>;
  if (path === "/queues")
    answer["queues"] = Array.from({ length: queues }, (_, at) => {
      return { ...Object((answer["queues"] as unknown[])[0]), queue: `${at}${long.slice(0, 63)}` };
    });
  return Response.json(isOfDead ? { ...answer, state: "dead" } : answer);
};

async function linesOf(line: string, queues = 1): Promise<readonly string[]> {
  const argv = line
    .replace(/ ?\[.*?\]/g, "")
    .replace("<group>", "70de0d2750ae")
    .replace(/<\w+>/g, "x")
    .split(" ");
  const env = { TIDEGATE_URL: address, TIDEGATE_TOKEN: adminToken };
  const clock = Object.assign(() => start, { sleep: async () => {} });
  const result = await tidegate(argv, { env, clock, fetch: widestHandler(queues, /dlq/.test(line)), ...terminal });
  expect(result).toMatchObject({ code: 0 });
  return stripVTControlCharacters(result.stdout).split("\n");
}

const tooWide = (lines: readonly string[]) => lines.filter((line) => stringWidth(line) > WIDTH);

const shown = plans().filter(({ shows, operation }) => shows !== undefined && operation !== "previewSchedule");
const dryRuns = ["queue:jobs cancel --all --dry-run", "queue:dlq retry --all --dry-run"];
const lists = [...shown.filter(({ kind }) => kind === "rows").map(({ words }) => words), "queue:list", ...dryRuns];

describe("every table fits 80 columns", () => {
  test.each(lists)("%s, of one queue and of several", async (words) => {
    expect(tooWide(await linesOf(words))).toEqual([]);
    expect(tooWide(await linesOf(words, 3))).toEqual([]);
  });

  test.each(shown.filter(({ kind }) => kind !== "rows").map(({ words }) => words))(
    "%s, in its lists below the facts",
    async (words) => {
      const lines = await linesOf(words);
      expect(tooWide(lines.slice(lines.indexOf("") + 1))).toEqual([]);
    },
  );
});

test("a command to copy that does not fit behind its text has a line of its own, and is not cut", async () => {
  const target = behindHandler({ logger: null });
  await kill(target, 1);
  const failures = (columns: number) =>
    target.cli(["queue:failures", "--url", address, "--queue", "default"], { isTerminal: true, columns });
  const command = `tidegate queue:failures 3d246764e6b4 --url ${address} --queue default`;
  expect((await failures(120)).stderr).toBe(`Who is affected: ${command}\n`);
  expect((await failures(80)).stderr).toBe(`Who is affected:\n  ${command}\n`);
  const paused = await target.cli(["queue:pause", "--url", address, "--queue", "default"], terminal);
  expect(paused.stdout).toMatch(
    /^Queue default at queue\.test\/jobs is paused\. Resume with:\n {2}tidegate queue:resume --url \S+ --queue default\n$/,
  );
});

import { expect, test } from "vitest";
import { plans } from "../../src/cli/plan.ts";
import { routes } from "../../src/http/routes/index.ts";
import { address, adminToken, behindHandler, tidegate } from "./run-cli.ts";

// What people type, and the requests that it makes. What these do is tested at the routes.

type Schema = Readonly<Record<string, unknown>>;

/** A value of a schema: what it requires, lists without items, null where that is possible, 1 as the first count. */
function sampleOf(schema: Schema, count = 0): unknown {
  const {
    type,
    format,
    anyOf,
    enum: words,
    properties = {},
    required = [],
  } = schema as {
    readonly type?: string | readonly string[];
    readonly format?: string;
    readonly anyOf?: readonly Schema[];
    readonly enum?: readonly unknown[];
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly required?: readonly string[];
  };
  const kinds = [type].flat();
  if (kinds.includes("null")) return null;
  if (words) return words[0];
  if (anyOf?.[0]) return sampleOf(anyOf[0]);
  if (format === "date-time") return "2026-03-02T00:00:00Z";
  const fields = Object.entries(properties).filter(([name, { type }]) => required.includes(name) || type === "array");
  if (kinds[0] === "object")
    return Object.fromEntries(fields.map(([name, field], index) => [name, sampleOf(field, index === 0 ? 1 : 0)]));
  return { array: [], integer: count, number: count, boolean: false, string: "x" }[kinds[0] ?? ""];
}

/** What a handler answers a request, by the route for it. */
function answerTo(request: string): Response {
  const [, method, path = ""] = /^(\w+) (?:\/queues\/bulk)?([^? ]*)/.exec(request) ?? [];
  const route = routes.find(
    (each) => each.method === method && new RegExp(`^${each.path.replace(/:\w+/g, "[^/]+")}$`).test(path),
  );
  const [status = "", { json } = {}] = Object.entries(route?.responses ?? {})[0] ?? [];
  return json
    ? Response.json(sampleOf(json), { status: Number(status) })
    : new Response(null, { status: Number(status) });
}

/** Types a line, and returns what it sends. */
async function sentBy(line: string, input?: string): Promise<{ readonly sent: readonly string[]; stderr: string }> {
  const sent: string[] = [];
  const fetch = async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    const path = pathname.replace("/jobs", "") + decodeURIComponent(search);
    const line = [request.method, path.replace(/\?$/, ""), await request.text()].join(" ").trim();
    // A list asks first which queues there are, and a pause which names.
    if (line === "GET /figures?days=0&pending=true") return Response.json({ names: [{ name: "x" }] });
    if (!/^GET \/(queues|flow-control\?limit=1000)$/.test(line)) sent.push(line);
    return answerTo(line);
  };
  const argv = line.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", "")) ?? [];
  const env = { TIDEGATE_URL: address, TIDEGATE_TOKEN: adminToken };
  const { code, stderr } = await tidegate(argv, { env, fetch, ...(input !== undefined && { input }) });
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return { sent, stderr };
}

const lines: readonly (readonly [line: string, ...requests: string[]])[] = [
  ["queue:enqueue send_email", 'POST /jobs {"name":"send_email"}'],
  [
    `queue:enqueue send_email '{"to":"ada"}' --id a --delay 5m --max-retries 7 --timeout 5s --expires 1h`,
    'POST /jobs {"name":"send_email","payload":{"to":"ada"},"id":"a","delay":"5m","maxRetries":7,"timeout":"5s","expires":"1h"}',
  ],
  [
    "queue:enqueue send_email --dedupe-key ada --dedupe-ttl 10m --dedupe-replace --run-at 2026-03-02T00:00:00+01:00",
    'POST /jobs {"name":"send_email","runAt":"2026-03-02T00:00:00+01:00","dedupe":{"key":"ada","ttl":"10m","replace":true}}',
  ],
  ["queue:enqueue send_email --run-at 1772400000000", 'POST /jobs {"name":"send_email","runAt":1772400000000}'],
  [
    "queue:enqueue report --cron '0 9 * * *' --time-zone Europe/Paris --id daily",
    'POST /jobs {"name":"report","id":"daily","cron":"0 9 * * *","timeZone":"Europe/Paris"}',
  ],
  ["queue:signal reply-42 '[1]' --id e --keep 1h", 'POST /signals/reply-42 {"data":[1],"id":"e","keep":"1h"}'],
  ["queue:signal reply-42", 'POST /signals/reply-42 {"keep":"7d"}'],
  ["queue:jobs", "GET /jobs?each=5"],
  ["queue:jobs --name send_email --since 1h", "GET /jobs?name=send_email&since=1h&each=100"],
  ["queue:jobs --json", "GET /jobs?limit=50"],
  ["queue:jobs --state completed --limit 5", "GET /jobs?state=completed&limit=5"],
  ["queue:jobs --all", "GET /jobs?limit=1000"],
  ["queue:jobs --cursor ready:7", "GET /jobs?cursor=ready:7&limit=50"],
  ["queue:jobs --search user.email=ada --in payload", "GET /jobs?search=user.email=ada&in=payload"],
  ["queue:jobs --search ada --name send_email", "GET /jobs?search=ada"],
  ["queue:jobs x", "GET /jobs/x"],
  ["queue:jobs show x", "GET /jobs/x"],
  ["queue:jobs children x", "GET /jobs/x/children?limit=50"],
  ["queue:jobs cancel a --yes", 'POST /jobs/cancel {"ids":["a"]}'],
  ["queue:jobs cancel --name send_email --dry-run", 'POST /jobs/cancel {"dryRun":true,"name":"send_email"}'],
  ["queue:jobs cancel --all --state ready --yes", 'POST /jobs/cancel {"state":"ready","all":true}'],
  ["queue:jobs stop x --yes", "DELETE /jobs/x?running=true"],
  ["queue:jobs reschedule a --delay 1h", 'POST /jobs/reschedule {"ids":["a"],"delay":"1h"}', "GET /jobs/a"],
  [
    "queue:jobs reschedule --all --run-at 2030-01-31T09:00:00Z --yes",
    'POST /jobs/reschedule {"runAt":"2030-01-31T09:00:00Z","all":true}',
  ],
  ["queue:jobs run --name send_email", 'POST /jobs/reschedule {"delay":0,"name":"send_email"}'],
  [`queue:jobs update x --payload '{"to":"ben"}'`, 'PATCH /jobs/x {"payload":{"to":"ben"}}'],
  ["queue:failures", "GET /failures?latest=true&limit=50"],
  ["queue:failures 3f1c9a04b7de", "GET /failures/3f1c9a04b7de"],
  ["queue:failures charge --since 1h", "GET /failures?latest=true&since=1h&name=charge&limit=50"],
  ["queue:failures --since 30m --limit 3", "GET /failures?latest=true&limit=3&since=30m"],
  ["queue:dlq", "GET /dead-letter?limit=50"],
  ["queue:dlq list --group 3f1c9a04b7de --name fails", "GET /dead-letter?name=fails&group=3f1c9a04b7de&limit=50"],
  ["queue:dlq retry a", 'POST /dead-letter/retry {"ids":["a"]}', "GET /jobs/a"],
  [
    `queue:dlq retry a --payload '{"to":"ben"}'`,
    'POST /dead-letter/retry {"ids":["a"],"payload":{"to":"ben"}}',
    "GET /jobs/a",
  ],
  ["queue:dlq retry --all --over 10m", 'POST /dead-letter/retry {"over":"10m","all":true,"limit":250}'],
  [
    "queue:dlq retry --name fails --group 3f1c9a04b7de --since 2026-03-01T00:00:00Z",
    'POST /dead-letter/retry {"since":"2026-03-01T00:00:00Z","name":"fails","group":"3f1c9a04b7de","limit":250}',
  ],
  ["queue:dlq retry --name fails --first 10", 'POST /dead-letter/retry {"name":"fails","limit":10}'],
  [
    "queue:dlq remove --group 3f1c9a04b7de --dry-run",
    'POST /dead-letter/remove {"dryRun":true,"group":"3f1c9a04b7de"}',
  ],
  ["queue:dlq remove --all --yes", 'POST /dead-letter/remove {"all":true,"limit":250}'],
  ["queue:schedules", "GET /schedules?runs=true"],
  ["queue:schedules nightly", "GET /schedules/nightly?runs=true"],
  ["queue:schedules upcoming", "GET /upcoming"],
  ["queue:schedules preview nightly --count 10", "GET /schedules/nightly", "GET /schedules/nightly/preview?count=10"],
  [
    "queue:schedules set sync --job sync_feed --every 90s --overlap skip --payload 1",
    'PUT /schedules/sync {"name":"sync_feed","payload":1,"every":"90s","overlap":"skip"}',
  ],
  ["queue:flow --all --limit 7", "GET /flow-control?limit=7"],
  ["queue:flow tenant/7 --json", "GET /flow-control/tenant%2F7"],
  ["queue:flow set mail --rate 100 --period 1m", 'PUT /flow-control/mail {"rate":100,"period":"1m"}'],
  ["queue:flow set mail --ordered", 'PUT /flow-control/mail {"ordered":true}'],
  ["queue:changes --limit 5 --since 1h", "GET /changes?limit=5&since=1h"],
  ["queue:pause --queue bulk --reason down", 'POST /queues/bulk/pause {"reason":"down"}'],
  [
    "queue:flow resume mail",
    "GET /flow-control/mail",
    "GET /jobs?search=mail&in=key&state=ready",
    "POST /flow-control/mail/resume {}",
  ],
  ["queue:flow pause mail --reason down", 'POST /flow-control/mail/pause {"reason":"down"}'],
  ["queue:types", "GET /figures?days=2&pending=true"],
  ["queue:types mail", "GET /figures?days=2&pending=true&name=mail"],
  [
    "queue:types pause mail --reason down --force",
    'POST /job-types/mail/pause {"reason":"down"}',
    "GET /figures?days=0&pending=true&name=mail",
    "GET /jobs?name=mail&state=running&limit=1000",
  ],
  ["queue:clear --yes", "DELETE /jobs?state=pending"],
  ["queue:clear --state dead --dry-run", "DELETE /jobs?state=dead&dryRun=true"],
];

/** Of commands without a line above: what each sends without an option. */
const plainLines = plans().flatMap(({ words, asks, route: { method, path } }): typeof lines => {
  const typed = words.replace(/ (?:list|show|[<[]).*$/, "");
  if (lines.some(([line]) => `${line} `.startsWith(`${typed} `))) return [];
  const request = [method, path.replace(/:\w+/, "x"), method === "DELETE" ? "" : "{}"].join(" ").trim();
  return [[`${words.replace(/<\w+>/, "x")}${asks ? " --yes" : ""}`, request]];
});

test.each([...lines, ...plainLines])("%s", async (line, ...requests) => {
  expect((await sentBy(line)).sent).toEqual(requests);
});

test("- reads standard input", async () => {
  const { sent } = await sentBy("queue:enqueue send_email -", '{"to":"grace"}\n');
  expect(sent).toEqual(['POST /jobs {"name":"send_email","payload":{"to":"grace"}}']);
});

test("an age is the same time in each request of a change", async () => {
  const { sent } = await sentBy("queue:dlq retry --all --since 1h");
  expect(sent[0]).toMatch(/"since":"\d{4}-\d\d-\d\dT/);
});

/** Types a line that must send nothing. */
async function refusalOf(line: string, input = ""): Promise<string> {
  const fetch = () => Promise.reject(new Error("Nothing was to be sent."));
  const env = { TIDEGATE_URL: address, TIDEGATE_TOKEN: adminToken };
  const { code, stdout, stderr } = await tidegate(line.split(" "), { env, fetch, input });
  expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: "", stderr: expect.any(String) });
  return stderr;
}

test.each([
  ["queue:enqueue", "missing required argument 'name'"],
  ["queue:enqueue x --delay soon", "It must be a duration"],
  ["queue:enqueue x --delay 5000", "It must be a duration"],
  ["queue:enqueue x --run-at 2030-01-01", "ISO 8601"],
  ["queue:enqueue x --max-retries many", "It must be a whole number"],
  ["queue:enqueue x --time-zone UTC", "--time-zone does not go with the other options."],
  ["queue:enqueue x --every 90s --delay 5m", "--delay does not go with the other options."],
  ["queue:enqueue x --every 90s --dedupe-ttl 5m", "--dedupe-key does not go with the other options."],
  ["queue:enqueue x --every 90s --cron @daily", "needs either --cron, as in "],
  ["queue:enqueue x --every 90s --time-zone UTC", "--time-zone is for --cron. Leave it out: --every counts from 1970"],
  ["queue:enqueue x --dedupe-key x", "--dedupe-ttl is missing."],
  ["queue:enqueue x --dedupe-replace", "--dedupe-key is missing."],
  ["queue:enqueue x {to: s3cret}", "need quotes around them"],
  ["queue:enqueue x {s3cret", "The payload is not valid JSON"],
  ["queue:signal", "missing required argument 'event'"],
  ["queue:signal a {yes", "The data is not valid JSON"],
  ["queue:signal a 1 --keep soon", "It must be a duration"],
  ["queue:jobs --limit 0", "It must be a whole number from 1 to 1000."],
  ["queue:jobs --state asleep", "Allowed choices are scheduled, ready, running, completed, dead."],
  ["queue:jobs --cursor ?", "must be the previous page's cursor"],
  ["queue:jobs --since tomorrow", 'must be a duration such as "5m", an ISO 8601 time'],
  ["queue:jobs x --all", "leave out the options of a list"],
  ["queue:jobs mail jobs", "queue:jobs takes list, show, children"],
  ["queue:jobs cancel", "Choose jobs in exactly one way: "],
  ["queue:jobs cancel a --all", "exactly one way: ids, --name, --all."],
  ["queue:jobs cancel --all --state dead", "Allowed choices are scheduled, ready."],
  ["queue:jobs cancel a", "Add --yes"],
  ["queue:jobs run a --all --yes", "Choose jobs in exactly one way: "],
  ["queue:dlq retry", "exactly one way: ids, --parent, --name, --group, --all."],
  ["queue:dlq retry --before 1h", "exactly one way: ids, --parent, --name, --group, --all."],
  ["queue:dlq retry a --parent b", "Give either ids or --parent."],
  ["queue:dlq retry a --first 2", "--first does not go with the other options."],
  ["queue:dlq retry --group charge", "a group of failures, such as"],
  ["queue:dlq remove --all", "Add --yes"],
  ["queue:schedules set nightly --cron @daily", "--job is missing."],
  ["queue:schedules set nightly --job x", "or --every, as in "],
  ["queue:schedules stop nightly", "queue:schedules takes list, show, upcoming,"],
  ["queue:schedules remove nightly", "Add --yes"],
  ["queue:flow set", "missing required argument 'key'"],
  ["queue:flow set acme --concurrency 0", "It must be a whole number"],
  ["queue:flow set acme --burst 2", "unknown option '--burst'"],
  [`queue:flow set ${"x".repeat(257)}`, "256 characters"],
  ["queue:clear", "Add --yes"],
  ["queue:types stop mail", "queue:types takes list, pause or resume."],
  ["queue:dlq rety all", "Did you mean retry?"],
  ["queue:types puase mail", "Did you mean pause?"],
  ["queue:jobs remove x", "run or update. Did you mean cancel?"],
  ["queue:jobs frobnicate x", "run or update.\n"],
  ["queue:list extra", "too many arguments for 'queue:list'"],
  ["queue:lisst", "(Did you mean queue:list?)"],
  ["queue:fail", "(Did you mean queue:failures?)"],
  ["queues", "(Did you mean queue:list?)"],
])("%s sends nothing", async (line, message) => {
  const stderr = await refusalOf(line);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain("s3cret");
});

test.each([
  ["queue:jobs reschedule --all", "Give either --run-at or --delay."],
  ["queue:jobs update x", "Give --run-at, --delay or --payload."],
  ["queue:jobs --each 5 --state dead", "With --each, leave out --state, --limit and --cursor: it lists"],
  ["queue:flow set a --period 5m", "--period needs a rate: --rate, such as 100."],
  ["queue:flow set a --rate 5", "--rate needs a period: --period, such as"],
  ["queue:flow set a --ordered --concurrency 2", "leave out --concurrency, or set it to 1."],
  [
    "queue:enqueue send_email --flow-control-key a --flow-control-rate 5",
    "--flow-control-rate needs a period: --flow-control-period",
  ],
  ["queue:enqueue send_email --flow-control-rate 5", "Flow control needs a key"],
  ["queue:enqueue send_email --delay 1h --run-at 2030-01-31T09:00:00Z", "Give either --delay or --run-at, not both."],
])("%s is refused in the words of the command line", async (line, message) => {
  expect((await behindHandler().cli(line.split(" "))).stderr).toContain(message);
});

test("what is wrong on standard input is not printed", async () => {
  const stderr = await refusalOf("queue:enqueue x -", "{s3cret");
  expect(stderr).toContain("Standard input must contain the JSON and nothing else.");
  expect(stderr).not.toContain("s3cret");
});

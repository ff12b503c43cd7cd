import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { defineJob, PermanentError } from "../../src/index.ts";
import {
  behindHandler,
  documentOf,
  errorOf,
  fails,
  hasEscapes,
  kill,
  onEveryTarget,
  sendEmail,
  type Target,
} from "./run-cli.ts";

// What people see of the answers of a handler.

const signs = defineJob({
  name: "signs",
  async perform(events: readonly string[], job) {
    await job.step("draft", () => ({ text: "x".repeat(200) }));
    await job.step("call", () => Promise.reject(new RangeError("no answer")), { maxRetries: 0 }).catch(() => {});
    return job.waitFor(events, { timeout: "7d" });
  },
});
const charge = defineJob({
  name: "charge",
  maxRetries: 1,
  backoff: { type: "fixed", base: "30m" },
  perform: (_: { readonly user: number }) => Promise.reject(new PermanentError("the card of 4711 was declined")),
});
const imports = defineJob({
  name: "imports",
  async perform(_, job) {
    await job.progress({ done: 4_000, of: 10_000 });
    throw new Error("not yet");
  },
});

/** A queue with something of everything, an hour after it was filled. */
async function filled() {
  const target = behindHandler({ logger: null, jobs: [sendEmail, fails, signs, charge, imports] });
  const { queue, clock } = target;
  await queue.enqueue(charge, { user: 7 }, { id: "charged" });
  await queue.enqueue(signs, ["reply-42"], { id: "contract" });
  await queue.enqueue(imports, undefined, { id: "rows", maxRetries: 3 });
  await queue.enqueue(sendEmail, { to: "x" }, { id: "parent", children: [{ job: sendEmail, payload: { to: "a" } }] });
  await queue.schedules.upsert("nightly", { job: "send_email", payload: { to: "a" }, cron: "0 3 * * *" });
  await queue.schedules.upsert("hourly", { job: "fails", every: "1h" });
  await queue.drain();
  await clock.advance("1h");
  await queue.drain();
  await queue.enqueue(sendEmail, { to: "y" }, { id: "later", delay: "1h" });
  await queue.flowControl.set("mail", { concurrency: 2, rate: 1_000, period: "90s" });
  await queue.flowControl.pause("acme");
  await queue.enqueue(sendEmail, { to: "z" }, { id: "held", flowControl: { key: "acme" } });
  await queue.pause();
  return target;
}

const screens: Readonly<Record<string, string>> = {
  "queue:jobs": `ID                               STATE      ATTEMPTS  WHEN     NAME
held                             ready        0 of 4  now      send_email
hourly@2026-03-01T13:00:00.000Z  dead         1 of 1  now      fails
          Error: no luck
parent/000000                    completed    1 of 4  60m ago  send_email
parent                           completed    1 of 4  60m ago  send_email
charged                          dead         1 of 2  60m ago  charge
          PermanentError: the card of 4711 was declined
rows                             scheduled    2 of 4  in 2m    imports
          Error: not yet
later                            scheduled    0 of 4  in 60m   send_email
contract                         scheduled    0 of 4  in 7d    signs
`,
  "queue:jobs rows": `Id        rows
Name      imports
Queue     default
State     scheduled
Attempts  2 of 4
Enqueued  2026-03-01 12:00:00 UTC (1 hour ago)
Runs      2026-03-01 13:02:00 UTC (in 2 minutes)
Progress  ████████████░░░░░░░░░░░░░░░░░░ 40%  {"done":4000,"of":10000}
Payload   null

Errors
ATTEMPT  FAILED   TOOK
      1  60m ago  0ms
          Error: not yet
      2  now      0ms
          Error: not yet

The queue was paused. Resume with: tidegate queue:resume
`,
  "queue:jobs held": `Id        held
Name      send_email
Queue     default
State     ready
Attempts  0 of 4
Enqueued  2026-03-01 13:00:00 UTC (now)
Runs      2026-03-01 13:00:00 UTC (now)
Payload   {"to":"z"}

The queue was paused. Resume with: tidegate queue:resume

The key acme was paused. Resume with: tidegate queue:flow resume acme
`,
  "queue:jobs contract": `Id         contract
Name       signs
Queue      default
State      scheduled
Attempts   0 of 4
Enqueued   2026-03-01 12:00:00 UTC (1 hour ago)
Runs       2026-03-08 12:00:00 UTC (in 7 days)
Waits for  the signal reply-42
Until      2026-03-08 12:00:00 UTC (in 7 days)
Payload    ["reply-42"]

Steps
STEP      STATE      ATTEMPT  TOOK  RESULT
draft     completed        1  0ms   {"text":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
call      failed           1  0ms   RangeError: no answer
reply-42  waiting          1  -

The queue was paused. Resume with: tidegate queue:resume
`,
  "queue:jobs parent": `Id         parent
Name       send_email
Queue      default
State      completed
Attempts   1 of 4
Enqueued   2026-03-01 12:00:00 UTC (1 hour ago)
Started    2026-03-01 12:00:00 UTC (1 hour ago)
Completed  2026-03-01 12:00:00 UTC (1 hour ago)
Payload    {"to":"x"}
Result     {"sent":true}
Children   ██████████████████████████████ 1 of 1  1 completed

ID             STATE      ATTEMPTS  WHEN     NAME
parent/000000  completed    1 of 4  60m ago  send_email
`,
  "queue:schedules": `KEY      FIRES      ZONE  LAST  RUNS  NEXT    SET IN    JOB
hourly   every 1h   -     now   ✗     in 60m  run time  fails
          dead: Error: no luck
nightly  0 3 * * *  UTC   -     -     in 14h  run time  send_email
`,
  "queue:schedules hourly": `Key          hourly
Job          fails
Fires        every 1h
Next         in 60m
Occurrences  2026-03-01 14:00:00 UTC (in 1 hour)
             2026-03-01 15:00:00 UTC (in 2 hours)
             2026-03-01 16:00:00 UTC (in 3 hours)
             2026-03-01 17:00:00 UTC (in 4 hours)
             2026-03-01 18:00:00 UTC (in 5 hours)
Missed       once
Overlap      allow
Set in       run time
Payload      null

Last 5 runs
OCCURRENCE  STATE  TOOK  ID
now         dead   0ms   hourly@2026-03-01T13:00:00.000Z
          Error: no luck
`,
  "queue:schedules upcoming": "Nothing runs in the next hour. What is paused does not count.\n",
  "queue:flow": `RUNNING  WAITING  LIMITS                    KEY   PINNED
      0        1  none                      acme  no
          paused
      0        0  2 at once, 1,000 per 90s  mail  yes
`,
  "queue:flow acme": `Key      acme
Running  0
Waiting  1
Limits   none
Started  0
Pinned   no
Paused   paused

Jobs
ID    STATE  SINCE  NAME
held  ready  now    send_email
`,
  "queue:failures 2df77fa91927": `Group      2df77fa91927
Name       charge
Error      PermanentError: the card of # was declined
Jobs       1
First      2026-03-01 12:00:00 UTC (1 hour ago)
Last       2026-03-01 12:00:00 UTC (1 hour ago)
Age        new
Last hour  ▁▁▁▁▁▁▁▁▁▁

Affected
FIELD  NEWEST JOBS  MOST FREQUENT
user             1  7 (1)
`,
  "queue:failures": `GROUP         JOBS  FIRST    LAST     AGE  NAME
3d246764e6b4     1  now      now      new  fails
          Error: no luck
2df77fa91927     1  60m ago  60m ago  new  charge
          PermanentError: the card of # was declined
`,
};

describe("on a terminal of 80 columns", () => {
  test.each(Object.entries(screens))("%s", async (line, expected) => {
    const { cli, env } = await filled();
    const { stdout } = await cli(line.split(" "), { isTerminal: true, columns: 80, env: { ...env, NO_COLOR: "1" } });
    expect(stdout).toBe(expected);
  });
});

test("colours tell states, and NO_COLOR, pipes and dumb terminals have none", async () => {
  const { cli, env } = await filled();
  const terminal = { isTerminal: true };
  expect(hasEscapes((await cli(["queue:jobs"], terminal)).stdout)).toBe(true);
  for (const world of [
    { ...terminal, env: { ...env, NO_COLOR: "1" } },
    { ...terminal, env: { ...env, TERM: "dumb" } },
    { ...terminal, isPiped: true },
    {},
  ])
    expect(hasEscapes((await cli(["queue:jobs"], world)).stdout)).toBe(false);
});

/** What a stranger could have put into a queue: it clears the screen, sets its title, turns text, or does not fit. */
const hostile = "\u009b2J\u009d0;owned\u009c\u202edrowssap";
const wide = "日本語のとても長い名前のジョブ".repeat(3);
const broken = "broken\u2028off";
const names = [broken, wide, "n".repeat(128), "👨‍👩‍👧".repeat(9)];
const jobs = names.map((name) =>
  defineJob({
    name,
    maxRetries: 1,
    perform() {
      throw new Error(`first ${hostile}\nsecond \u001b[31mred\u001b[2J\u0007 ${wide}\r\n\n${"word ".repeat(90)}`);
    },
  }),
);

/** Each job dead, waiting for its retry, ready and scheduled. */
async function fill({ queue, clock }: Pick<Target, "queue" | "clock">): Promise<void> {
  for (const [round, delay] of (["0s", "1s", "2s", "1h"] as const).entries()) {
    for (const job of jobs)
      for (const id of [undefined, "i".repeat(250), `${wide}-${broken}`])
        await queue.enqueue(job, undefined, {
          ...(id && { id: `${round}${names.indexOf(job.name)}-${id}`.slice(0, 256) }),
          delay,
        });
    await queue.drain();
    await clock.advance("70s");
  }
  const cron = "0 0,10,20,30,40,50 0,6,12,18 1,15,31 1,6,12 *";
  await queue.schedules.upsert(wide, { job: names[0] ?? "", cron, timeZone: "America/Argentina/ComodRivadavia" });
  await queue.flowControl.set(broken, { concurrency: 100_000, rate: 1_000_000, period: "1h" });
}

onEveryTarget((open) => {
  test("every list fits 80 columns, however long names, ids and errors are, and changes nothing else on screen", async () => {
    const target = open({ jobs, logger: null });
    await fill(target);
    const lists = ["jobs", "jobs --state dead", "dlq", "failures", "schedules", "schedules upcoming", "flow", "list"];
    for (const list of lists) {
      const env = { ...target.env, NO_COLOR: "1" };
      const { code, stdout } = await target.cli(`queue:${list}`.split(" "), { isTerminal: true, columns: 80, env });
      expect(code, list).toBe(0);
      const lines = stdout.split("\n");
      expect(lines.length, list).toBeGreaterThan(2);
      expect(
        lines.filter((line) => stringWidth(line) > 80),
        list,
      ).toEqual([]);
      expect(stdout.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\u202e/u);
    }
    const whole = await target.cli(["queue:dlq", "--wide"], { isTerminal: true, columns: 80, env: target.env });
    expect(whole.stdout).toContain("word ".repeat(90).trim());
  });
});

test("--json has the same text, escaped", async () => {
  const payload = { to: `${hostile}\u007f\u2028`, [hostile]: 1 };
  const { queue, cli } = behindHandler({ jobs: [defineJob({ name: "send", perform: () => {} })] });
  await queue.enqueue("send", payload, { id: "a" });
  const shown = await cli(["queue:jobs", "a", "--json"]);
  expect(documentOf(shown)).toMatchObject({ payload });
  const unknown = await cli([`queue:${hostile}`, "--json"]);
  expect(errorOf(unknown).message).toContain(hostile);
  for (const text of [shown.stdout, unknown.stderr]) expect(text.trimEnd()).not.toMatch(/[\p{Cc}\u202e\u2028]/u);
});

test("a printed command never names all jobs, whatever the id of a job looks like", async () => {
  const { queue, cli } = behindHandler();
  await queue.enqueue(sendEmail, { to: "ada" }, { id: "--all", delay: "1h" });
  const { stdout, stderr } = await cli(["queue:jobs", "--", "--all"]);
  expect(stdout).toMatch(/^Id +--all$/m);
  expect(stderr).toContain("To cancel it: tidegate queue:jobs cancel NAME");
  expect(stderr).not.toContain("--all");
});

describe("a short id", () => {
  const short = (id = "") => id.slice(-8);

  test("is taken as long as it names one job, and a whole id that looks like one comes first", async () => {
    const { queue, cli } = behindHandler();
    const { id } = await queue.enqueue(sendEmail, { to: "ada" }, { delay: "50m" });
    for (const number of [1, 2])
      await queue.enqueue(sendEmail, { to: "ada" }, { id: `invoice-2026-000${number}`, delay: "1h" });
    const show = async (text: string) => documentOf(await cli(["queue:jobs", text, "--json"]));
    expect(await show(short(id))).toMatchObject({ id });
    expect(await show("invoice-2026-0002…")).toMatchObject({ id: "invoice-2026-0002" });
    expect(await cli(["queue:jobs", "invoice-…"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"invoice-…" is ambiguous: 2 matches.'),
    });
    expect((await cli(["queue:jobs", "00000000"])).code).toBe(1);
    expect((await cli(["queue:jobs", id.slice(-7)])).code).toBe(1);
    const upcoming = await cli(["queue:schedules", "upcoming"], { isTerminal: true, columns: 80 });
    expect(upcoming.stdout).toMatch(new RegExp(` ${short(id)}$`, "m"));
    await queue.enqueue(sendEmail, { to: "ada" }, { id: short(id) });
    expect(await show(short(id))).toMatchObject({ id: short(id) });
  });

  test("is looked for among dead jobs alone by queue:dlq", async () => {
    const target = behindHandler({ logger: null });
    const { queue, cli } = target;
    await kill(target, 2);
    const [dead, other] = (await queue.listDeadLetter()).jobs;
    const waits = await queue.enqueue(sendEmail, { to: "ada" }, { delay: "1h" });
    expect(documentOf(await cli(["queue:dlq", short(dead?.id), "--json"]))).toMatchObject({ id: dead?.id });
    expect((await cli(["queue:dlq", "show", short(waits.id)])).code).toBe(1);
    expect(documentOf(await cli(["queue:dlq", "retry", short(dead?.id), "--json"]))).toEqual({ retried: 1 });
    expect((await cli(["queue:dlq", "remove", short(waits.id), "--yes"])).code).toBe(1);
    expect(documentOf(await cli(["queue:dlq", "remove", short(other?.id), "--yes", "--json"]))).toEqual({ removed: 1 });
  });
});

test("--all shows how many it has read, and a page says how to go on", async () => {
  const { queue, cli } = behindHandler();
  await queue.enqueueMany(Array.from({ length: 3 }, () => ({ job: sendEmail, payload: { to: "ada" } })));
  const { stderr } = await cli(["queue:jobs", "--all", "--limit", "1"], { isTerminal: true });
  expect(stderr).toContain("1 job read");
  expect(stderr.endsWith("\r\u001b[K")).toBe(true);
  const page = await cli(["queue:jobs", "--state", "ready", "--limit", "2"]);
  const [, cursor = ""] = /^More follow\. Add --cursor '(.*)', or --all\.\n$/.exec(page.stderr) ?? [];
  const rest = await cli(["queue:jobs", "--state", "ready", "--cursor", cursor, "--json"]);
  expect(documentOf(rest)).toMatchObject({ jobs: [{ name: "send_email" }], cursor: null });
});

test("a job that moves to another state while --all reads is listed once, as it was found last", async () => {
  const { queue, cli, fetch } = behindHandler();
  await queue.enqueue(sendEmail, { to: "ada" }, { id: "moved", delay: "1h" });
  await queue.enqueue(sendEmail, { to: "ben" }, { id: "other" });
  const moving = async (request: Request) => {
    const response = await fetch(request);
    if (request.url.includes("/jobs?")) await queue.reschedule("moved", "0s");
    return response;
  };
  const listed = documentOf(await cli(["queue:jobs", "--all", "--limit", "1", "--json"], { fetch: moving }));
  expect(listed).toMatchObject({ jobs: [{ id: "moved", state: "ready" }, { id: "other" }] });
});

test("a search goes on to its end, and says first how many it has found, also of one name, and if more follow", async () => {
  const { queue, cli } = behindHandler();
  for (let piece = 0; piece < 3; piece++)
    await queue.enqueueMany(Array.from({ length: 500 }, () => ({ job: sendEmail, payload: { to: "ada" } })));
  await queue.enqueue(sendEmail, { to: "ben" }, { id: "the-one" });
  const search = ["queue:jobs", "--in", "payload", "--search"];
  const found = await cli([...search, "to=ben"]);
  expect(found).toMatchObject({
    stdout: expect.stringMatching(/^Found: 1 ready\.\nID .*\nthe-one .*\n$/),
    stderr: "",
  });
  const first = await cli([...search, "to=ada"]);
  expect(first.stdout).toMatch(/^Found: 1,500 ready\.\nID .*\n(?:.* send_email\n){5}$/);
  expect(first.stderr).toBe("Listed: 5 of 1,500. Add --all.\n");
  expect((await cli([...search, "to=ada", "--name", "fails"])).stdout).toBe("No matching jobs.\n");
  const { cursor, jobs } = documentOf(await cli([...search, "to=ada", "--json"])) as { cursor: string; jobs: [] };
  expect(jobs).toHaveLength(500);
  expect(documentOf(await cli([...search, "to=ben", "--cursor", cursor, "--json"]))).toMatchObject({ examined: 1_001 });
  expect((documentOf(await cli([...search, "to=ada", "--all", "--json"])) as { jobs: [] }).jobs).toHaveLength(1_500);
});

test("jobs that died alike have their error once on a terminal, and none once they are retried", async () => {
  const target = behindHandler({ logger: null });
  const { queue, clock, cli } = target;
  await kill(target, 3);
  const errors = ({ stdout }: { readonly stdout: string }) => stdout.match(/Error: no luck/g)?.length ?? 0;
  expect(errors(await cli(["queue:dlq"], { isTerminal: true }))).toBe(1);
  expect(errors(await cli(["queue:dlq"]))).toBe(3);
  await clock.advance("1m");
  await queue.retryFromDeadLetter({ all: true });
  expect(errors(await cli(["queue:jobs"]))).toBe(0);
  await queue.drain();
  expect(errors(await cli(["queue:jobs"]))).toBe(3);
});

test("of the running jobs, the one that has run the longest comes first", async () => {
  const { cli } = behindHandler();
  const at = (minute: number) => ({
    ...{ id: `for-${minute}`, name: "fails", queue: "default", state: "running", attempts: 1, maxRetries: 3 },
    ...{ errors: [], payload: null, startedAt: `2026-03-01T11:0${minute}:00.000Z`, runAt: null },
  });
  const fetch = () => Response.json({ jobs: [at(5), at(1), at(3)], cursor: null });
  const { stdout } = await cli(["queue:jobs", "--state", "running"], { fetch });
  expect(stdout.match(/^for-\d/gm)).toEqual(["for-1", "for-3", "for-5"]);
});

test("an id that is near to no command is only said to be unknown", async () => {
  const { cli } = behindHandler();
  expect((await cli(["queue:jobs", "nobody"])).stderr).not.toContain("takes");
  expect((await cli(["queue:jobs", "remove"])).stderr).toMatch(/\nqueue:jobs takes .*\. Did you mean cancel\?\n$/);
});

test("a job that waits for its children says for how many, or that dead ones hold it", async () => {
  const { queue, cli } = behindHandler({ logger: null });
  const children = ["a", "b"].map((to) => ({ job: sendEmail, payload: { to }, delay: "1h" as const }));
  await queue.enqueue(sendEmail, { to: "x" }, { id: "parent", children });
  await queue.drain();
  expect((await cli(["queue:jobs", "parent"])).stdout).toMatch(/^Waits for +2 of its children$/m);
  const update = ["queue:jobs", "update", "parent", "--payload", '{"to":"y"}'];
  expect((await cli(update)).stdout).toBe("Changed job parent (send_email).\n");
  const child = { job: "fails", payload: null, maxRetries: 0 };
  await queue.enqueue(sendEmail, { to: "x" }, { id: "held", waitFor: "completed", children: [child] });
  await queue.drain();
  expect((await cli(["queue:jobs", "held"])).stdout).toMatch(/^Waits for +its dead children: retry or remove them$/m);
  expect((await cli(["queue:doctor"])).stdout).toMatch(
    /parents +1 parent can only wait, since children are dead: held\.\n +Retry .* tidegate queue:jobs children held --state dead\n/,
  );
});

test("a job that waits says what is paused, how long it is overdue, and not what holds others back", async () => {
  const { queue, clock, cli } = behindHandler();
  await queue.pauseJobs("send_email", { reason: "CRM is down", by: "on-call" });
  const enqueued = await cli(["queue:enqueue", "send_email", '{"to":"ada"}', "--id", "waits"]);
  expect(enqueued.stdout).toMatch(/^Enqueued job waits in .*\. Due now \([^)]*\)\.\n$/);
  await queue.pauseJobs("fails");
  await clock.advance("5m");
  const { stdout } = await cli(["queue:jobs", "waits"]);
  expect(stdout).toMatch(/^Runs .* \(overdue by 5 minutes\)$/m);
  expect(stdout).toContain(
    "\n\nsend_email was paused by on-call 5 minutes ago: CRM is down. Resume with: tidegate queue:types resume send_email\n",
  );
  expect(stdout).not.toContain("fails");
});

test("queue:types pause and resume refuse a type that no job has, with the nearest names, unless --force is given", async () => {
  const { queue, cli } = behindHandler();
  await queue.enqueue(sendEmail, { to: "ada" });
  const { code, stderr } = await cli(["queue:types", "pause", "snd_emial"]);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr:
      "error: No job of this type is known: snd_emial. The nearest: send_email.\nNothing was paused. To pause a type before its first job, add --force.\n",
  });
  const resumed = await cli(["queue:types", "resume", "snd_emial"]);
  expect(resumed).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/nearest: send_email\.\nNothing was resumed\.$/m),
  });
  expect((await queue.getStats()).pausedJobs).toEqual([]);
  for (const line of ["pause send_email", "pause snd_emial --force"])
    expect((await cli(["queue:types", ...line.split(" ")])).code).toBe(0);
  expect((await queue.getStats()).pausedJobs).toHaveLength(2);
});

test("a paused job type says how many of its jobs still run and how many wait, with the commands for them", async () => {
  const during: string[] = [];
  const slow = defineJob({
    name: "slow",
    async perform() {
      const { stdout, stderr } = await cli(["queue:types", "pause", "slow"]);
      during.push(stdout + stderr);
    },
  });
  const { queue, cli, fetch: send } = behindHandler({ jobs: [slow] });
  await queue.enqueue(slow);
  await queue.enqueueMany(Array.from({ length: 3 }, () => ({ job: slow, delay: "1h" as const })));
  await queue.drain();
  const resume = "Resume with: tidegate queue:types resume slow\n";
  const counts = (running: number) =>
    `Waiting until it is resumed: 3. Still running: ${running}. To cancel those that wait: tidegate queue:jobs cancel --name slow\n`;
  expect(during).toEqual([`slow is paused. ${resume}${counts(1)}`]);
  const written: string[] = [];
  const paused = await cli(["queue:types", "pause", "slow"], { onWrite: (text) => written.push(text) });
  expect(paused).toMatchObject({ stdout: `slow is paused. ${resume}`, stderr: counts(0) });
  expect(written[0]).toBe(paused.stdout);
  const fetch = (request: Request) =>
    request.url.includes("/jobs/jobs?") ? Response.json({}, { status: 503 }) : send(request);
  expect(await cli(["queue:types", "pause", "slow"], { fetch })).toMatchObject({
    code: 0,
    stdout: `slow is paused. ${resume}`,
  });
});

test("queue:failures with a job type lists its groups, and with a group, or the only one, who is affected among the newest", async () => {
  const errors = [new PermanentError("gone"), new RangeError("off")];
  const odd = defineJob({ name: "odd", maxRetries: 0, perform: () => Promise.reject(errors.pop()) });
  const { queue, clock, cli } = behindHandler({ logger: null, jobs: [charge, fails, odd] });
  for (const [user, times] of [40, 30, 20, 10, 5, 3, 2].entries())
    await queue.enqueueMany(
      Array.from({ length: times }, (_, order) => ({ job: charge, payload: { user, order: `${user}-${order}` } })),
    );
  await queue.enqueue(fails);
  await queue.drain({ maxJobs: 200 });
  await clock.advance("1m");
  expect(await cli(["queue:failures", "charge"])).toEqual(await cli(["queue:failures", "2df77fa91927"]));
  await queue.enqueue(odd);
  await queue.drain();
  expect((await cli(["queue:failures", "odd"])).stdout).toMatch(/^Group /);
  await queue.enqueue(odd);
  await queue.drain();
  const { stdout } = await cli(["queue:failures", "odd"]);
  expect(stdout).toMatch(/^GROUP .*\n(?:.* odd .*\n){2}$/);
  expect((await cli(["queue:failures", "odd", "--limit", "1"])).stdout).toMatch(/^GROUP .*\n.* odd .*\n$/);
  expect((await cli(["queue:failures", "nobody"])).stdout).toBe("No matching groups of dead jobs.\n");
  const { stdout: affected } = await cli(["queue:failures", "2df77fa91927"]);
  expect(affected).toMatch(
    /^Examined +the newest 100 of 110 dead jobs. All: queue:jobs --state dead --name charge --search FIELD=VALUE$/m,
  );
  expect(affected).toMatch(/^user +100 +(?:\d \(\d+\), ){5}others \(\d+\)$/m);
  expect(affected).not.toMatch(/^order/m);
});

test("a job whose key has no free slot, and a paused key, name the command that helps", async () => {
  const { queue, cli } = behindHandler({
    jobs: [
      defineJob({
        name: "holds",
        async perform() {
          const { stdout } = await cli(["queue:jobs", "waits"]);
          expect(stdout).toContain("(concurrency)");
          expect(stdout).toMatch(/\n\nWho holds it back: tidegate queue:flow mail\n$/);
          const key = await cli(["queue:flow", "mail"]);
          expect(key.stdout).toMatch(/^holder +running .*\nwaits +ready /m);
          expect(key.stderr).not.toContain("resume");
        },
      }),
      sendEmail,
    ],
  });
  const flowControl = { key: "mail", concurrency: 1 };
  await queue.enqueue("holds", undefined, { id: "holder", flowControl });
  await queue.enqueue(sendEmail, { to: "ada" }, { id: "waits", flowControl });
  expect(await queue.drain({ maxJobs: 1 })).toMatchObject({ completed: 1 });
  await queue.flowControl.pause("mail");
  expect((await cli(["queue:flow", "mail"])).stderr).toMatch(/^To resume it: tidegate queue:flow resume mail$/m);
});

test("a job of a paused key says who has paused it and why, and how to resume it", async () => {
  const { queue, clock, cli } = behindHandler();
  await queue.flowControl.pause("mail", { reason: "too many", by: "ben" });
  await queue.enqueue(sendEmail, { to: "ada" }, { id: "held", flowControl: { key: "mail" } });
  await clock.advance("5m");
  const { stdout } = await cli(["queue:jobs", "held"]);
  expect(stdout).not.toContain("Waits for");
  expect(stdout).toContain(
    "\n\nThe key mail was paused by ben 5 minutes ago: too many. Resume with: tidegate queue:flow resume mail\n",
  );
  const mayNotRead = await cli(["queue:jobs", "held", "--token", "the-enqueue-token"]);
  expect(mayNotRead.stdout).toMatch(/^Waits for +the key mail: it is paused$/m);
});

test("a schedule is previewed in its own zone too, and says how to resume it while it is paused", async () => {
  const { queue, cli } = behindHandler();
  await queue.schedules.upsert("daily", { job: "fails", cron: "0 9 * * *", timeZone: "Europe/Paris" });
  const preview = ["queue:schedules", "preview", "daily", "--count", "1"];
  expect((await cli(preview)).stdout).toBe(
    "Occurrences  2026-03-02 08:00:00 UTC, 2026-03-02 09:00:00 Europe/Paris (in 20 hours)\n",
  );
  await queue.schedules.pause("daily");
  expect((await cli(preview)).stdout).toBe(
    "Schedule daily is paused. Resume with: tidegate queue:schedules resume daily\n",
  );
  expect((await cli(["queue:schedules", "daily"])).stdout).not.toContain("Occurrences");
});

test("queue:list shows every total of the statistics", async () => {
  const { queue, cli } = behindHandler({ logger: null });
  await queue.enqueue(fails, undefined, { maxRetries: 0 });
  await queue.drain();
  const { stdout } = await cli(["queue:list", "--queue", "default"]);
  const totals = [...stdout.matchAll(/^Total (\w+) +(\d+)/gm)].map(([, name, value]) => `${name} ${value}`);
  expect(totals).toEqual(["enqueued 1", "processed 0", "failed 1", "retried 0", "expired 0"]);
  expect(totals.length).toBe(Object.keys(await queue.getStats()).filter((name) => name.startsWith("total")).length);
});

test("queue:types marks the job types that are paused, those without figures too, and a terminal of 80 columns shows why", async () => {
  const { queue, clock, cli, env } = behindHandler({ logger: null });
  await queue.enqueue(sendEmail, { to: "ada" });
  await queue.drain();
  await queue.pauseJobs("send_email", { reason: "CRM is down", by: "on-call" });
  await queue.pauseJobs("idle");
  await clock.advance("5m");
  const { stdout } = await cli(["queue:types"]);
  expect(stdout).toMatch(/^NAME .* PAUSED\n/);
  expect(stdout).toMatch(/^send_email +0 .* paused by on-call 5 minutes ago: CRM is down$/m);
  const narrow = await cli(["queue:types"], { isTerminal: true, columns: 80, env: { ...env, NO_COLOR: "1" } });
  expect(narrow.stdout).toMatch(/^send_email +0 .*\n {10}paused by on-call 5 minutes ago: CRM is down\n/m);
  await queue.pause({ reason: `${"word ".repeat(20)}end`, by: "ada" });
  const changes = await cli(["queue:changes"], { isTerminal: true, columns: 80, env: { ...env, NO_COLOR: "1" } });
  expect(changes.stdout).toMatch(/\n {10}(word )+word\n {10}(word )+end\n/);
  await cli(["queue:flow", "pause", "mail"]);
  expect((await cli(["queue:changes"])).stdout).toMatch(/^12:05:00 UTC +now +\(no name\) +paused key +mail /m);
  expect(stdout).toMatch(/^idle +0 .* 5 minutes ago$/m);
  expect(documentOf(await cli(["queue:types", "--json"]))).toMatchObject({
    names: [
      { name: "idle", hour: { processed: 0 }, paused: { reason: null } },
      { name: "send_email", paused: { by: "on-call" } },
    ],
  });
  await queue.resumeJobs("send_email");
  await queue.resumeJobs("idle");
  expect((await cli(["queue:types"])).stdout).not.toContain("PAUSED");
});

test("queue:types marks counts that are estimated", async () => {
  const { queue, cli, fetch } = behindHandler();
  await queue.enqueue(sendEmail, { to: "ada" });
  const estimating = (count: number) => async (request: Request) => {
    const text = await (await fetch(request)).text();
    return new Response(text.replaceAll('"count":1,"estimated":false', `"count":${count},"estimated":true`));
  };
  expect((await cli(["queue:types"], { fetch: estimating(1) })).stdout).toMatch(/^send_email .* ~1 /m);
  expect((await cli(["queue:types"], { fetch: estimating(0) })).stdout).toMatch(/^send_email .* few /m);
});

test("queue:flow resume says whether the key was paused", async () => {
  const { queue, cli } = behindHandler();
  await queue.flowControl.pause("mail");
  expect((await cli(["queue:flow", "resume", "mail"])).stdout).toBe("mail resumes with the next drain.\n");
  await queue.flowControl.set("mail", { concurrency: 1 });
  expect((await cli(["queue:flow", "resume", "mail"])).stdout).toMatch(/^mail was not paused\./);
  const misspelt = "No flow control key is in use: mial. The nearest: mail.\n";
  expect(await cli(["queue:flow", "resume", "mial"])).toEqual({ code: 0, stdout: misspelt, stderr: "" });
});

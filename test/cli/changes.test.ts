import { describe, expect, test } from "vitest";
import { useRedis } from "../support/stores.ts";
import {
  behindHandler,
  documentOf,
  errorOf,
  fails,
  impatient,
  inRedis,
  kill,
  sendEmail,
  type World,
} from "./run-cli.ts";

// Changes of many jobs: questions with counts, dry runs, progress, and what is said if they fail half-way.

async function open({ dead = 0, waiting = 0 }) {
  const target = behindHandler({ logger: null });
  await target.queue.enqueueMany(
    Array.from({ length: waiting }, () => ({ job: sendEmail, payload: { to: "ada" }, delay: "1h" as const })),
  );
  if (dead > 0) await kill(target, dead);
  const cli: typeof target.cli = (argv, world) => target.cli(argv, { clock: impatient(target.clock), ...world });
  return { ...target, cli, type: (line: string, world?: World) => cli(line.split(" "), world) };
}

const answering = (input: string): World => ({ isTerminal: true, input });

test.each([
  ["queue:dlq remove --all", "remove all 2 dead jobs for good, and none that die later?", "Removed 2 dead jobs.\n"],
  [
    "queue:dlq remove --name fails",
    "remove 2 dead jobs named fails for good, and none that die later?",
    "Removed 2 dead jobs.\n",
  ],
  [
    "queue:dlq retry --all --over 10m",
    "retry all 2 dead jobs, the last one by 2026-03-01 12:10:00 UTC, and none that die later?",
    "Retried 2 dead jobs, the last one by 2026-03-01 12:10:00 UTC.\n",
  ],
  [
    "queue:jobs cancel --name send_email",
    "cancel 3 waiting jobs named send_email for good?",
    "Removed 3 waiting jobs.\n",
  ],
  [
    "queue:jobs run --all",
    "run all 3 waiting jobs?",
    "Moved 3 waiting jobs: they are due now (2026-03-01 12:00:00 UTC).\n",
  ],
  ["queue:clear --state scheduled", "clear 3 scheduled jobs for good?", "Removed 3 scheduled jobs.\n"],
])("%s asks with a count, and does nothing without a yes", async (line, question, done) => {
  const { queue, type } = await open({ dead: 2, waiting: 3 });
  const before = await queue.getStats();
  for (const input of ["n\ny\n", "\n", ""]) {
    const { code, stderr } = await type(line, answering(input));
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`${question} [y/N]`) });
    expect(stderr).toMatch(/\[y\/N\] Nothing was changed\.\n$/);
  }
  expect(await queue.getStats()).toEqual(before);
  expect(await type(line, answering("yes\n"))).toMatchObject({ code: 0, stdout: done });
});

test("a question about one job names it", async () => {
  const { queue, type } = await open({ dead: 1 });
  await queue.enqueue(sendEmail, { to: "ada" }, { id: "refund-8812", delay: "1h" });
  const [dead] = (await queue.listDeadLetter()).jobs;
  expect((await type("queue:jobs cancel refund-8812", answering("n\n"))).stderr).toContain(
    "cancel the waiting job refund-8812 for good? [y/N]",
  );
  expect((await type(`queue:dlq remove ${dead?.id}`, answering("n\n"))).stderr).toContain(
    `remove the dead job ${dead?.id} for good? [y/N]`,
  );
});

test("a job that is made due, moved or retried says what still holds it back", async () => {
  const { queue, clock, type, fetch: target } = await open({ dead: 1 });
  await queue.pauseJobs("send_email", { reason: "CRM is down", by: "on-call" });
  await queue.enqueue(sendEmail, { to: "ada" }, { id: "held" });
  await queue.drain();
  await clock.advance("5m");
  const held =
    "send_email was paused by on-call 5 minutes ago: CRM is down. Resume with: tidegate queue:types resume send_email\n";
  expect((await type("queue:jobs held")).stdout).toMatch(/^Runs .*\(overdue by 5 minutes\)$/m);
  expect((await type("queue:jobs --state scheduled")).stdout).toMatch(/^held .* 5m ago /m);
  expect(await type("queue:jobs run held")).toMatchObject({
    stdout: expect.stringMatching(/^Moved waiting job held: it is due now/),
    stderr: held,
  });
  await queue.flowControl.pause("mail");
  const [dead] = (await queue.listDeadLetter()).jobs;
  await queue.pauseJobs("fails");
  expect((await type(`queue:dlq retry ${dead?.id}`)).stderr).toMatch(
    /\nfails was paused now\. Resume with: tidegate queue:types resume fails\n$/,
  );
  await queue.enqueue(fails, {}, { id: "free", delay: "1h" });
  await queue.resumeJobs("fails");
  expect((await type("queue:jobs run free")).stderr).toBe("");
  const unread = (request: Request) =>
    request.method === "GET" ? Response.json({}, { status: 503 }) : target(request);
  expect(await type("queue:jobs reschedule free --delay 1h", { fetch: unread })).toMatchObject({ code: 0, stderr: "" });
  await queue.resumeJobs("send_email");
  await queue.enqueue(sendEmail, { to: "ada" }, { id: "keyed", delay: "1h", flowControl: { key: "mail" } });
  expect((await type("queue:jobs run keyed")).stderr).toBe(
    "The key mail was paused. Resume with: tidegate queue:flow resume mail\n",
  );
});

test("what the question counted is what is done: a job that dies meanwhile stays", async () => {
  const target = await open({ dead: 2 });
  let isCounted = false;
  const fetch = async (request: Request) => {
    const response = await target.fetch(request);
    if (!isCounted && request.url.endsWith("/retry")) {
      isCounted = true;
      await target.clock.advance("1s");
      await kill(target, 1);
    }
    return response;
  };
  const result = await target.type("queue:dlq retry --all", { ...answering("y\n"), fetch });
  expect(result).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Retried 2 dead jobs\.\nFound: 2 ready\.\n/),
  });
  expect(await target.queue.getStats()).toMatchObject({ readyCount: 2, deadLetterCount: 1 });
});

test.each([
  ["queue:dlq remove --all", "No matching dead jobs.\n", { removed: 0 }],
  ["queue:dlq retry --all", "No matching dead jobs.\n", { retried: 0 }],
  ["queue:jobs cancel --all", "No matching waiting jobs.\n", { cancelled: 0 }],
  ["queue:clear", "No matching pending jobs.\n", { cleared: 0 }],
])("%s asks nothing if there is nothing to do", async (line, text, document) => {
  const { type } = await open({});
  const asked = await type(line, answering(""));
  expect(asked).toMatchObject({ code: 0, stdout: text });
  expect(asked.stderr).not.toContain("?");
  expect(documentOf(await type(`${line} --yes --json`))).toEqual(document);
});

test("what can be undone needs no question without a terminal, and ids need none at all", async () => {
  const { queue, type } = await open({ dead: 3 });
  const [id] = (await queue.listDeadLetter()).jobs.map((job) => job.id);
  expect((await type(`queue:dlq retry ${id}`, answering(""))).stdout).toBe(`Retried dead job ${id}.\n`);
  expect(documentOf(await type("queue:dlq retry --all --json"))).toEqual({ retried: 2 });
});

test("--dry-run counts and shows the first jobs, and changes nothing", async () => {
  const { queue, type } = await open({ dead: 2, waiting: 12 });
  const before = await queue.getStats();
  const [dead] = (await queue.listDeadLetter()).jobs;
  const shown =
    /^2 dead jobs would be retried:\nID +STATE .*\n(?:[\w-]+ +dead +1 of 1 +now +fails +Error: no luck\n){2}$/;
  expect((await type("queue:dlq retry --all --dry-run")).stdout).toMatch(shown);
  // Months ago, by the clock of the queue.
  expect((await type("queue:dlq retry --all --before 1h --dry-run")).stdout).toMatch(shown);
  const move = await type("queue:jobs reschedule --all --delay 5h --dry-run");
  expect(move.stdout).toMatch(
    /^12 waiting jobs would be moved, 10 of them:\nID .*\n(?:.* scheduled .* send_email\n){10}$/,
  );
  expect(documentOf(await type("queue:clear --dry-run --json"))).toMatchObject({
    ...{ cleared: 12, dryRun: true },
    jobs: Array(10).fill({ name: "send_email", state: "scheduled" }),
  });
  expect(documentOf(await type(`queue:dlq remove ${dead?.id} nobody --dry-run --json`))).toMatchObject({
    ...{ removed: 1, dryRun: true },
    jobs: [{ id: dead?.id }],
  });
  expect(await queue.getStats()).toEqual(before);
});

test("ids that are not meant are an error, and the others are changed", async () => {
  const { queue, type } = await open({ dead: 1 });
  await queue.enqueue(fails, {}, { id: "waits" });
  const [id] = (await queue.listDeadLetter()).jobs.map((job) => job.id);
  const result = await type(`queue:dlq retry ${id} waits --json`);
  expect({ code: result.code, document: documentOf(result) }).toEqual({ code: 1, document: { retried: 1 } });
  expect(errorOf(result)).toEqual({
    code: "not_found",
    message: "1 of 2 ids is of no dead job. See: tidegate queue:dlq.",
  });
});

test("1,000 dead jobs are retried in pieces, with a progress bar", async () => {
  const { queue, cli, clock, fetch: send } = await open({ dead: 1_000 });
  const shown: string[] = [];
  const fetch = async (request: Request) => {
    await clock.advance("1s");
    return send(request);
  };
  const world = { isTerminal: true, onWrite: (text: string) => shown.push(text), fetch };
  const { code, stdout } = await cli(["queue:dlq", "retry", "--all", "--yes"], world);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^Retried 1,000 dead jobs\.\nFound: 1,000 ready\.\n/),
  });
  const bars = shown.filter((text) => text.includes("retry") && text.includes("of 1,000"));
  expect(bars.length).toBeGreaterThan(4);
  expect(bars[0]).toContain(`retry ${"░".repeat(30)} 0 of 1,000`);
  expect(bars.some((text) => text.includes(`${"█".repeat(15)}${"░".repeat(15)}`))).toBe(true);
  expect(bars.at(-1)).toContain(`${"█".repeat(30)} 1,000 of 1,000`);
  expect(await queue.getStats()).toMatchObject({ readyCount: 1_000, deadLetterCount: 0 });
  expect((await queue.listChanges()).changes).toMatchObject([{ operation: "retryDeadJobs", count: 1_000 }]);
});

test("a retry says which command shows what became of the jobs", async () => {
  const { queue, clock, type, fetch: send } = await open({ dead: 3 });
  const [failure] = (await queue.getFailures()).failures;
  const [dead] = (await queue.listDeadLetter()).jobs;
  expect((await type(`queue:dlq retry ${dead?.id}`)).stderr).toBe(
    `See what became of it: tidegate queue:jobs ${dead?.id}\n`,
  );
  await clock.advance("1m");
  // The retry itself takes a while.
  const fetch = async (request: Request) => {
    await clock.advance("1s");
    const response = await send(request);
    await clock.advance("1s");
    return response;
  };
  const { stderr } = await type(`queue:dlq retry --group ${failure?.group}`, { fetch });
  const [, shows = ""] =
    /^See what became of them: tidegate (queue:jobs --search \S+ --in retried)\n$/.exec(stderr) ?? [];
  expect((await type(shows)).stdout).toMatch(/^Found: 2 ready\.\nID .*\n(?:.* fails\n){2}$/);
});

test("somebody at a terminal sees after a moment what became of jobs that are retried, or due now", async () => {
  const { queue, clock, env, type } = await open({ dead: 2, waiting: 1 });
  const watching = {
    ...answering("y\n"),
    env: { ...env, NO_COLOR: "1" },
    clock: impatient(clock, () => queue.drain()),
  };
  expect(await type("queue:dlq retry --all", watching)).toMatchObject({
    stdout: expect.stringMatching(
      /^Retried 2 dead jobs\.\nFound: 2 dead\.\nID .*\n\w{8} +dead .*\n +Error: no luck\n\w{8} +dead .*\n$/,
    ),
    stderr: expect.stringContaining("Waiting 3 s for what becomes of it"),
  });
  const [dead] = (await queue.listDeadLetter()).jobs;
  expect((await type(`queue:dlq retry ${dead?.id}`, watching)).stderr).toMatch(
    new RegExp(`\\r\u001b\\[K${dead?.id} is dead now\\.\n$`),
  );
  expect((await type("queue:dlq retry --all --over 10m", watching)).stdout).not.toContain("Found");
  const { jobs } = await queue.listJobs({ state: "scheduled", name: "send_email" });
  expect((await type(`queue:jobs run ${jobs[0]?.id}`, watching)).stderr).toContain(
    `${jobs[0]?.id} is completed now.\n`,
  );
  await queue.flowControl.pause("mail");
  await queue.enqueue(sendEmail, { to: "ada" }, { id: "held", flowControl: { key: "mail" } });
  const resumed = await type("queue:flow resume mail", watching);
  expect(resumed.stderr).toMatch(/^Jobs that waited for it: 1\.\n.*held is completed now\.\n$/s);
  expect((await type("queue:flow resume mail", watching)).stderr).not.toContain("Waiting");
});

test("the dead children of a parent are shown alone, with the command that retries them and no others", async () => {
  const { queue, type } = await open({ dead: 1 });
  const children = [{ job: fails }, { job: sendEmail, payload: { to: "ada" } }, { job: fails }].map(
    ({ job, payload }) => ({ job: job.name, payload, maxRetries: 0 }),
  );
  await queue.enqueue(sendEmail, { to: "ada" }, { id: "may.csv", children });
  await queue.drain();
  const shown = await type("queue:jobs may.csv");
  expect(shown.stdout.match(/^may\.csv\/\S+ +\w+/gm)).toEqual(["may.csv/000000  dead", "may.csv/000002  dead"]);
  const command = "queue:dlq retry --parent may.csv";
  expect(shown.stderr).toContain(`To retry its dead children: tidegate ${command}\n`);
  expect((await type(command, answering("n\n"))).stderr).toContain("retry the 2 dead children of may.csv? [y/N]");
  const retried = await type(command);
  expect(retried).toMatchObject({
    stdout: "Retried 2 dead jobs.\n",
    stderr: expect.stringMatching(/--in retried\n$/),
  });
  expect((await type("queue:jobs may.csv")).stderr).toContain("No child is dead now.");
});

test("a resumed job type or queue says whether it was paused", async () => {
  const { type } = await open({ waiting: 1 });
  expect((await type("queue:types resume send_email")).stdout).toBe("send_email was not paused.\n");
  await type("queue:types pause charge --force");
  expect((await type("queue:types resume charge")).stdout).toBe("charge resumes with the next drain.\n");
  expect((await type("queue:resume")).stdout).toMatch(/^The first queue at .* was not paused\.\n$/);
  await type("queue:pause --reason deploy");
  expect((await type("queue:resume")).stdout).toMatch(/ resumes with the next drain\.\n$/);
});

describe("a change of many jobs that fails half-way says what it had done", () => {
  const problem = { status: 503, title: "No store", code: "store_unavailable", detail: "The store does not answer." };

  /** A handler that answers so many requests of a kind, and no more. */
  async function failingAfter(requests: number, path: RegExp, filled: { dead?: number; waiting?: number }) {
    const target = await open(filled);
    let left = requests;
    const fetch = (request: Request) =>
      request.method === "POST" && path.test(request.url) && left-- <= 0
        ? Response.json(problem, { status: 503 })
        : target.fetch(request);
    return { ...target, type: (line: string) => target.type(line, { fetch, env: target.env }) };
  }

  test.each([
    ["queue:jobs cancel --all --yes", { cancelled: 1_000 }, "1,000 waiting jobs had been removed before."],
    [
      "queue:jobs run --all --yes",
      { rescheduled: 1_000, runAt: expect.any(String) },
      "1,000 waiting jobs had been moved before.",
    ],
    ["queue:dlq retry --all --yes", { retried: 250 }, "250 dead jobs had been retried before."],
    ["queue:dlq remove --all --yes", { removed: 250 }, "250 dead jobs had been removed before."],
  ])("%s", async (line, document, before) => {
    const ofDead = line.startsWith("queue:dlq");
    const made = () =>
      failingAfter(1, /\/(cancel|reschedule|retry|remove)$/, ofDead ? { dead: 300 } : { waiting: 1_000 }).then(
        async (made) => {
          await made.queue.enqueue(sendEmail, { to: "ada" }, { delay: "2h" });
          return made;
        },
      );
    const { code, stdout, stderr } = await (await made()).type(line);
    expect({ code, stdout, stderr }).toEqual({
      ...{ code: 1, stdout: "" },
      stderr: `error: The store does not answer.\n${before}\n`,
    });
    const json = await (await made()).type(`${line} --json`);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "store_unavailable" }, ...document });
  });

  test("and nothing of the kind if nothing had been done", async () => {
    const { type } = await failingAfter(0, /\/cancel$/, { waiting: 1 });
    for (const option of ["--yes", "--dry-run"])
      expect((await type(`queue:jobs cancel --all ${option}`)).stderr).toBe("error: The store does not answer.\n");
  });
});

describe("straight on Redis", () => {
  const redis = useRedis();

  test("a change is made in the name of the user of the machine, and says so wherever the queue is shown", async () => {
    const target = inRedis(redis);
    await target.queue.enqueue(sendEmail, { to: "ada" }, { delay: "1h" });
    const type = (line: string) => target.cli(line.split(" "), { env: { ...target.env, USER: "ada" } });
    await type("queue:pause");
    await type("queue:clear --yes");
    expect((await type("queue:list")).stdout).toContain(
      "The queue was paused by ada now. Resume with: tidegate queue:resume",
    );
    expect((await type("queue:doctor")).stdout).toContain("The queue was paused by ada now.");
    await target.cli(["queue:types", "pause", "mail", "--force", "--reason", "CRM is down"], {
      env: { ...target.env, USER: "ada" },
    });
    expect((await type("queue:changes")).stdout.split("\n").slice(0, 4)).toEqual([
      "AT            WHEN  BY   CHANGE       TARGET   JOBS  REASON",
      "12:00:00 UTC  now   ada  paused type  mail        -  CRM is down",
      "12:00:00 UTC  now   ada  cleared      pending     1",
      "12:00:00 UTC  now   ada  paused       -           -",
    ]);
  });
});

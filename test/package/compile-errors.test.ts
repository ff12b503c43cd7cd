import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chosenCompilers, compile, type Diagnostic, projectOf } from "./compile.ts";

const preamble = `
import { type BatchItem, type ChildJob, defineJob, type EnqueueOptions, memoryStore, Producer, Queue } from "tidegate";
import { QueueClient } from "tidegate/client";
import { createHandler } from "tidegate/http";
import { enqueued, expectEnqueued, expectNotEnqueued, performJob } from "tidegate/testing";
import * as z from "zod";

const mail = defineJob({ name: "mail", schema: z.object({ to: z.string(), subject: z.string() }), perform: async ({ to }) => to });
const plain = defineJob({ name: "plain", perform: async (user: { id: number; note?: string }) => user.id });
const nothing = defineJob({ name: "nothing", perform: async () => 1 });
const report = defineJob({ name: "report", perform: async ({ month }: { month: string }, job) => {
  job.enqueue(mail, { to: "ada", subject: month }, { delay: "5m" });
  job.enqueue(nothing);
  job.enqueue(report, { month }, { waitFor: "completed", delay: "5m", children: [{ job: plain, payload: { id: 1 } }, { job: nothing }] });
  return { month, at: new Date(), rows: [{ n: 1 }] };
} });
const dated = defineJob({ name: "dated", perform: (_: { id: string; when: { at: Date }[] }) => {} });
const mapped = defineJob({ name: "mapped", performBatch: (_: readonly { payload: { sums: Map<string, number> } }[]) => {} });
const queue = new Queue({ store: memoryStore(), jobs: [mail, plain, nothing] });
const client = new QueueClient({ url: "https://queue.test", token: "secret" });
const jobs = [mail, plain, nothing] as const;
const typed = new QueueClient<(typeof jobs)[number]>({ url: "https://queue.test", token: "secret" });
const producer = new Producer<(typeof jobs)[number]>({ store: memoryStore() });
const wrong = { to: "ada", subject: 7 };
`;

const withJob = 'defineJob({ name: "a", perform: async (_: string, job) => ';
const withJobs = 'defineJob({ name: "a", performBatch: async (jobs: readonly BatchItem<string>[]) => void ';

/**
 * A statement with one mistake, and what the message must name. The mistake is in the line marked with `//!`, or in the
 * only line.
 */
const mistakes: readonly (readonly [field: string, statement: string])[] = [
  ["to", 'queue.enqueue(mail, { to: 1, subject: "x" });'],
  ["subject", 'queue.enqueue(mail, { to: "ada" });'],
  ["subject", "queue.enqueue(mail, wrong);"],
  ["sujbect", 'queue.enqueue(mail, { to: "ada", subject: "x", sujbect: "x" });'],
  ["dealy", 'queue.enqueue(mail, { to: "ada", subject: "x" }, { dealy: "5m" });'],
  ["delay", 'queue.enqueue(mail, { to: "ada", subject: "x" }, { delay: true });'],
  ["timezone", 'queue.enqueue(nothing, undefined, { cron: "* * * * *", timezone: "UTC" });'],
  ["enqueue", "queue.enqueue(mail);"],
  ["id", 'queue.enqueue(plain, { id: "7" });'],
  ["nota", 'queue.enqueue(plain, { id: 7, nota: "x" });'],
  ["a", "queue.enqueue(nothing, { a: 1 });"],
  ["dealy", 'queue.enqueue("mail", { to: 1 }, { dealy: "5m" });'],
  [
    "to",
    'queue.enqueueMany([\n  { job: plain, payload: { id: 1 } },\n  { job: mail, payload: { to: 1, subject: "x" } }, //!\n]);',
  ],
  ["subject", 'queue.enqueueMany([{ job: mail, payload: { to: "ada" } }]);'],
  ["payload", "queue.enqueueMany([\n  { job: nothing },\n  { job: mail }, //!\n]);"],
  ["dealy", 'queue.enqueueMany([{ job: mail, payload: { to: "ada", subject: "x" }, dealy: "5m" }]);'],
  ["subject", "queue.enqueueMany([1, 2].map(() => ({ job: mail, payload: wrong })));"],
  ["payload.to", 'queue.enqueueMany(wrong ? [{ job: mail, payload: { to: 1, subject: "x" } }] : []);'],
  [
    "to",
    'queue.enqueue(nothing, undefined, { children: [\n  { job: plain, payload: { id: 1 } },\n  { job: mail, payload: { to: 1, subject: "x" } }, //!\n] });',
  ],
  ["subject", "queue.enqueue(nothing, undefined, { children: [1, 2].map(() => ({ job: mail, payload: wrong })) });"],
  ["id", 'queue.enqueue(nothing, undefined, { children: [{ job: plain, payload: { id: 1 }, id: "own" }] });'],
  [
    "to",
    'queue.enqueue(nothing, undefined, { children: [{ job: nothing, children: [\n  { job: plain, payload: { id: 1 } },\n  { job: mail, payload: { to: 1, subject: "x" } }, //!\n] }] });',
  ],
  ["payload", "queue.enqueue(nothing, undefined, { children: [{ job: nothing, children: [{ job: mail }] }] });"],
  [
    "id",
    'queue.enqueue(nothing, undefined, { children: [{ job: nothing, children: [{ job: nothing, children: [{ job: plain, payload: { id: "7" } }] }] }] });',
  ],
  [
    "subject",
    "client.enqueue(nothing, undefined, { children: [1, 2].map(() => ({ job: nothing, children: [{ job: mail, payload: wrong }] })) });",
  ],
  [
    "waitFor",
    'queue.enqueue(nothing, undefined, { children: [{ job: nothing, children: [{ job: nothing, waitFor: "all" }] }] });',
  ],
  ["every", 'queue.enqueue(nothing, undefined, { every: "90s", delay: "5m" });'],
  ["cron", 'queue.enqueue(mail, { to: "ada", subject: "x" }, { cron: "* * * * *", delay: "5m" });'],
  ["every", 'client.enqueue(nothing, undefined, { every: "90s", runAt: 1 });'],
  ["waitFor", 'queue.enqueue(nothing, undefined, { children: [{ job: nothing }], waitFor: "all" });'],
  ["to", 'queue.schedules.upsert("daily", { job: mail, payload: { to: 1, subject: "x" }, cron: "* * * * *" });'],
  ["payload", 'queue.schedules.upsert("daily", { job: mail, cron: "* * * * *" });'],
  ["timezone", 'queue.schedules.upsert("daily", { job: nothing, cron: "* * * * *", timezone: "UTC" });'],
  ["missed", 'queue.schedules.upsert("daily", { job: "mail", cron: "* * * * *", missed: "never" });'],
  ["to", 'client.enqueue(mail, { to: 1, subject: "x" });'],
  ["subject", 'client.enqueue(mail, { to: "ada" }, { delay: "5m" });'],
  ["to", 'client.enqueueMany([{ job: mail, payload: { to: 1, subject: "x" } }]);'],
  ["to", 'client.schedules.upsert("daily", { job: mail, payload: { to: 1, subject: "x" }, cron: "* * * * *" });'],
  ["paylod", 'queue.retryFromDeadLetter("id", { paylod: { to: "ada" } });'],
  ["nam", 'queue.retryFromDeadLetter({ nam: "mail" });'],
  ["dryrun", "client.retryFromDeadLetter({ all: true }, { dryrun: true });"],
  ["payloads", 'queue.update("id", { payloads: 1 });'],
  ["to", 'performJob(mail, { to: 1, subject: "x" });'],
  ["attemt", 'performJob(mail, { to: "ada", subject: "x" }, { attemt: 2 });'],
  ["performJob", "performJob(mail);"],
  ["to", "expectEnqueued(queue, mail, { payload: { to: 1 } });"],
  ["too", 'expectEnqueued(queue, mail, { payload: { too: "ada" } });'],
  ["payloads", 'expectEnqueued(queue, mail, { payloads: { to: "ada" } });'],
  ["Promise<boolean>", 'expectEnqueued(queue, mail, { payload: async ({ to }) => to === "ada" });'],
  ["count", "expectNotEnqueued(queue, mail, { count: 1 });"],
  ["stat", 'enqueued(queue, mail, { stat: "dead" });'],
  ["timeot", 'defineJob({ name: "a", schema: z.object({ to: z.string() }), timeot: "1s", perform: () => 1 });'],
  ["shedule", 'defineJob({ name: "a", shedule: { cron: "* * * * *" }, perform: () => 1 });'],
  ["zone", 'defineJob({ name: "a", schedule: { cron: "* * * * *", zone: "UTC" }, perform: () => 1 });'],
  [
    "schedulePayload",
    'defineJob({ name: "a", schema: z.object({ to: z.string() }), schedule: { cron: "* * * * *" }, perform: () => 1 });',
  ],
  ["schedulePayload", 'defineJob({ name: "a", schedule: { cron: "* * * * *" }, perform: (to: string) => to });'],
  [
    "to",
    'defineJob({ name: "a", schema: z.object({ to: z.string() }), schedule: { cron: "* * * * *" }, schedulePayload: { to: 1 }, perform: () => 1 });',
  ],
  ["every", 'defineJob({ name: "a", schedule: { every: "90x" }, perform: () => 1 });'],
  ["schedulePayload", 'defineJob({ name: "a", schedule: { every: "90s" }, perform: (to: string) => to });'],
  ["timeZone", 'queue.schedules.upsert("daily", { job: "mail", every: "90s", timeZone: "UTC" });'],
  ["every", 'queue.schedules.upsert("daily", { job: "mail", every: "90s", cron: "* * * * *" });'],
  ["too", 'defineJob({ name: "a", schema: z.object({ to: z.string() }), perform: ({ too }) => 1 });'],
  ["perform", 'defineJob({ name: "a", schema: z.object({ to: z.string() }) });'],
  ["maxJob", "queue.drain({ maxJob: 1 });"],
  ["to", 'defineJob({ name: "a", perform: (_: string, job) => job.enqueue(mail, { to: 1, subject: "x" }) });'],
  ["subject", 'defineJob({ name: "a", perform: (_: string, job) => job.enqueue(mail, { to: "ada" }) });'],
  ["dealy", 'defineJob({ name: "a", perform: (_: string, job) => job.enqueue(nothing, undefined, { dealy: "5m" }) });'],
  [
    "subject",
    'defineJob({ name: "a", perform: (_: string, job) => job.enqueue(nothing, undefined, { children: [{ job: mail, payload: wrong }] }) });',
  ],
  [
    "onProgress",
    'defineJob({ name: "a", perform: (_: string, job) => job.enqueue(nothing, undefined, { children: [{ job: nothing }], onProgress() {} }) });',
  ],
  [
    "dedupe",
    'defineJob({ name: "a", perform: (_: string, job) => job.enqueue(nothing, undefined, { dedupe: { key: "a", ttl: "1m" } }) });',
  ],
  ["id", 'defineJob({ name: "a", perform: (_: string, job) => job.enqueue(nothing, undefined, { id: "a" }) });'],
  ["when\\[\\].at", 'queue.enqueue(dated, { id: "7", when: [{ at: new Date() }] });'],
  ["sums", "queue.enqueueMany([{ job: mapped, payload: { sums: new Map() } }]);"],
  ["getTime", 'queue.getJob(report, "id").then((job) => job?.result?.at.getTime());'],
  ["mont", 'queue.wait(report, "id").then((job) => job?.payload.mont);'],
  ["n", 'client.wait(report, "id", { timeout: "5s" }).then((job) => job?.result?.rows.n);'],
  ["timeot", 'client.wait(report, "id", { timeot: "5s" });'],
  ["getTime", `${withJob}(await job.step("s", () => ({ at: new Date() }))).at.getTime() });`],
  ["rwos", `${withJob}(await job.step("s", async () => ({ rows: [1] }))).rwos });`],
  ["timeot", `${withJob}job.step("s", () => 1, { timeot: "1s" }) });`],
  ["timeout", `${withJob}job.step("s", () => 1, { timeout: true }) });`],
  ["bsae", `${withJob}job.step("s", () => 1, { backoff: { type: "fixed", bsae: "1s" } }) });`],
  ["kye", `${withJob}job.step("s", ({ kye }) => 1) });`],
  ["step", `${withJob}job.step("s") });`],
  ["3 days", `${withJob}job.sleep("3 days") });`],
  ["nmae", `${withJob}job.sleep("3d", { nmae: "trial" }) });`],
  ["waitFor", `${withJob}job.waitFor("paid") });`],
  ["timeout", `${withJob}job.waitFor("paid", {}) });`],
  ["tiemout", `${withJob}job.waitFor("paid", { tiemout: "1m" }) });`],
  ["reply", `${withJob}job.waitFor("paid", { timeout: "7d" }).then((reply) => reply.text) });`],
  ["reply", `${withJob}job.waitFor<{ text: string }>("paid", { timeout: "7d" }).then((reply) => reply.text) });`],
  ["txet", `${withJob}job.waitFor<{ text: string }>("paid", { timeout: "7d" }).then((reply) => reply?.txet) });`],
  ["step", `${withJobs}jobs[0]?.job.step("s", () => 1) });`],
  ["sleep", `${withJobs}jobs[0]?.job.sleep("3d") });`],
  ["waitFor", `${withJobs}jobs[0]?.job.waitFor("paid", { timeout: "7d" }) });`],
  ["kepe", 'queue.signal("paid", 1, { kepe: "1h" });'],
  ["keep", 'client.signal("paid", 1, { keep: true });'],
  ["signl", 'createHandler({ queue, auth: { signl: ["a-long-secret"] } });'],
  ["mial", 'typed.enqueue("mial", { to: "ada", subject: "x" });'],
  ["mail", 'typed.enqueue("mial", { to: "ada", subject: "x" });'],
  ["too", 'typed.enqueue("mail", { too: "ada", subject: "x" });'],
  ["enqueue", 'typed.enqueue("mail");'],
  ["a", 'typed.enqueue("nothing", { a: 1 });'],
  ["dated", 'typed.enqueue(dated, { id: "7", when: [] });'],
  ["mial", 'typed.enqueueMany([{ job: "nothing" }, { job: "mial" }]);'],
  ["to", 'typed.enqueueMany([{ job: "nothing" }, { job: "mail", payload: { to: 1, subject: "x" } }]);'],
  ["mial", 'typed.enqueue(nothing, undefined, { children: [{ job: "mial" }] });'],
  ["id", 'typed.enqueue(nothing, undefined, { children: [{ job: "plain", payload: { id: "7" } }] });'],
  ["mial", 'typed.schedules.upsert("daily", { job: "mial", every: "1d" });'],
  ["subject", 'typed.schedules.upsert("daily", { job: "mail", payload: { to: "ada" }, every: "1d" });'],
  ["mial", 'producer.enqueue("mial", { to: "ada", subject: "x" });'],
  ["id", 'producer.enqueue("plain", { id: "7" });'],
  ["mial", 'producer.enqueueMany([{ job: "mial" }]);'],
  ["mial", 'queue.enqueue<typeof mail>("mial", { to: "ada", subject: "x" });'],
  ["subject", 'queue.enqueue<typeof mail>("mail", { to: "ada" });'],
  ["to", 'client.enqueue<typeof mail>("mail", { to: 1, subject: "x" });'],
  ["mial", `${withJob}job.enqueue<typeof mail>("mial", { to: "ada", subject: "x" }) });`],
  ["runAt", 'queue.enqueue(nothing, undefined, { delay: "5m", runAt: 1 });'],
  ["runAt", 'queue.enqueue(nothing, undefined, { delay: "5m", runAt: 1, children: [{ job: nothing }] });'],
  ["runAt", `${withJob}job.enqueue(nothing, undefined, { delay: "5m", runAt: 1 }) });`],
  ["`\\$\\{number\\}m`", 'queue.enqueue(nothing, undefined, { delay: "5 minutes" });'],
  ["`\\$\\{number\\}s`", 'defineJob({ name: "a", timeout: "30sec", perform: () => 1 });'],
  ["a day that its month has", 'defineJob({ name: "a", schedule: { cron: "0 9 31 4 *" }, perform: () => 1 });'],
  ["a day that its month has", 'defineJob({ name: "a", schedule: { cron: "0 0 9 30 Feb ?" }, perform: () => 1 });'],
  ["conection", "new Queue({ store: memoryStore(), conection: 1 });"],
];

/** The correct form compiles: otherwise a message could have another cause. */
const right = `
queue.enqueue(mail, { to: "ada", subject: "x" }, { delay: "5m" });
queue.enqueue(mail, { to: "ada", subject: "x" }, { cron: "* * * * *", timeZone: "UTC" });
queue.enqueue(plain, { id: 7 });
queue.enqueue(nothing);
queue.enqueue("mail");
queue.enqueueMany([{ job: mail, payload: { to: "ada", subject: "x" }, delay: "5m" }, { job: nothing }, { job: "x", payload: 1 }]);
queue.schedules.upsert("daily", { job: mail, payload: { to: "ada", subject: "x" }, cron: "* * * * *" });
queue.schedules.upsert("daily", { job: "mail", cron: "* * * * *" });
client.schedules.upsert("daily", { job: nothing, cron: "* * * * *" });
client.schedules.upsert("sync", { job: nothing, every: "90s", expires: "1m" });
queue.enqueue(nothing, undefined, { every: 90_000, missed: "skip" });
queue.enqueue(nothing, undefined, { children: [{ job: plain, payload: { id: 1 }, waitFor: "completed", children: [{ job: mail, payload: { to: "ada", subject: "x" }, delay: "5m" }, { job: "x", payload: 1 }] }, { job: nothing }] });
client.enqueue(nothing, undefined, { children: [1, 2].map((id) => ({ job: plain, payload: { id }, children: [id].map((to) => ({ job: mail, payload: { to: String(to), subject: "x" } })) })) });
const given: readonly ChildJob[] = [{ job: plain, payload: { id: 1 }, children: [{ job: "x" }] }];
queue.enqueue(nothing, undefined, { children: given });
defineJob({ name: "a", schedule: { every: "90s" }, expires: "10m", perform: () => 1 });
defineJob({ name: "a", schedule: { every: 1_500 }, schedulePayload: "ada", perform: (to: string) => to });
performJob(mail, { to: "ada", subject: "x" }, { attempt: 2 });
queue.getJob(report, "id").then((job): string | undefined => job?.result?.at ?? job?.payload.month);
queue.getJob("id").then((job): unknown => job?.result);
client.wait(report, "id", { timeout: "5s" }).then((job): number | undefined => job?.result?.rows[0]?.n);
expectEnqueued(queue, mail, { payload: { to: "ada" }, count: 1 });
expectEnqueued(queue, mail, { payload: ({ to }) => to === "ada" });
defineJob({ name: "a", schema: z.object({ to: z.string().default("ada") }), schedule: { cron: "* * * * *" }, schedulePayload: {}, perform: () => 1 });
defineJob({ name: "a", schema: z.string().optional(), schedule: { cron: "* * * * *" }, perform: () => 1 });
defineJob({ name: "a", schedule: { cron: "* * * * *" }, perform: () => 1 });
defineJob({ name: "a", async perform(_: string, job): Promise<string> {
  const { at, rows } = await job.step("s", async ({ key, signal, attempt }) => ({ at: new Date(), rows: [key, signal.aborted, attempt] as const }), { maxRetries: 5, backoff: { type: "fixed", base: "1s" }, timeout: "2m" });
  await Promise.all([1, 2].map((n) => job.step(\`row-\${n}\`, () => n, { backoff: (retry) => retry * 1_000 })));
  await job.sleep("3d", { name: "trial" });
  await job.sleep(new Date());
  const reply = await job.waitFor<{ text: string }>(["paid", "cancelled"], { timeout: "7d" });
  return reply?.text ?? at.slice(0, rows[0].length);
} });
queue.signal("paid");
client.signal("paid", { text: "yes" }, { id: "evt_1", keep: "1h" }).then(({ woken, kept }): number | boolean => woken || kept);
createHandler({ queue, auth: { signal: ["a-long-secret"] } });
typed.enqueue("mail", { to: "ada", subject: "x" }, { delay: "5m" });
typed.enqueue(plain, { id: 7 }, { children: [{ job: "mail", payload: { to: "ada", subject: "x" } }, { job: nothing }] });
typed.enqueue("nothing");
typed.enqueue(wrong ? "nothing" : "plain", { id: 7 });
typed.enqueueMany([{ job: "mail", payload: { to: "ada", subject: "x" } }, { job: nothing }, { job: "nothing", delay: "5m" }]);
typed.schedules.upsert("daily", { job: "mail", payload: { to: "ada", subject: "x" }, cron: "* * * * *" });
producer.enqueue("plain", { id: 7 }).then(({ id }): string => id);
queue.enqueue<typeof mail>("mail", { to: "ada", subject: "x" }, { delay: "5m", children: [{ job: "any" }] });
client.enqueue<typeof nothing>("nothing");
const later = (options: EnqueueOptions) => queue.enqueue(nothing, undefined, options);
defineJob({ name: "a", schedule: { cron: "0 9 31 4 MON" }, perform: () => 1 });
defineJob({ name: String(later), schedule: { cron: String(1) }, perform: () => 1 });
`;

const program = [preamble, ...mistakes.map(([, statement]) => statement)].join("\n");
let project: string;

beforeAll(async () => {
  project = await projectOf({ "right.ts": preamble + right, "mistakes.ts": program });
}, 180_000);

afterAll(() => rm(project, { recursive: true, force: true }));

/** The word in the program that a diagnostic points to. */
function wordAt({ line, column }: Diagnostic): string {
  return /^\w*/.exec(program.split("\n")[line - 1]?.slice(column - 1) ?? "")?.[0] ?? "";
}

/** The line that the mistake is expected in. */
function lineOf(index: number): number {
  const before = [preamble, ...mistakes.slice(0, index).map(([, statement]) => statement)]
    .join("\n")
    .split("\n").length;
  const statement = mistakes[index]?.[1].split("\n") ?? [];
  return (
    before +
    1 +
    Math.max(
      0,
      statement.findIndex((line) => line.includes("//!")),
    )
  );
}

describe.for(chosenCompilers)("%s", (compiler) => {
  let found: readonly Diagnostic[];

  beforeAll(async () => {
    found = await compile(compiler, project, ["right.ts", "mistakes.ts"]);
  });

  test("accepts everything that is valid", () => {
    expect(found.filter(({ file }) => file !== "mistakes.ts")).toEqual([]);
  });

  test.for(mistakes.map(([field, statement], index) => ({ field, statement, index })))(
    "names $field in $statement",
    ({ field, index }) => {
      const here = found.filter(({ line }) => line === lineOf(index));
      expect(here).toHaveLength(1);
      for (const diagnostic of here) {
        expect(`${wordAt(diagnostic)}: ${diagnostic.text}`).toMatch(new RegExp(`(?<!\\w)${field}(?!\\w)`));
        expect(diagnostic.text).not.toMatch(/No overload matches|parameter of type 'string'|'never'/);
      }
    },
  );
});

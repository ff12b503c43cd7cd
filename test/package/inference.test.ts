import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, expectTypeOf, test } from "vitest";
import * as z from "zod";
import type { QueueClient, watchJob } from "../../src/client/index.ts";
import {
  type AnyJob,
  type BatchItem,
  type ChildJob,
  defineJob,
  type EnqueueOptions,
  type EnqueueResult,
  type FamilyOptions,
  type InputOf,
  type JobContext,
  type JobEventOf,
  type JobInfo,
  type JobInfoOf,
  type JobOrName,
  type JsonOf,
  memoryStore,
  type OneTime,
  Queue,
  type RecurringOptions,
} from "../../src/index.ts";
import type { useJob } from "../../src/react/index.ts";
import { type Performed, performJob } from "../../src/testing/index.ts";

// The compiler is what checks these: `npm run check:types`. That they run shows that what compiles also works.
const withZod = defineJob({
  name: "zod",
  schema: z.object({ to: z.string(), at: z.string().transform((text) => new Date(text)) }),
  perform: async ({ at }, job) => ({ at, attempt: job.attempt }),
});
const withValibot = defineJob({
  name: "valibot",
  schema: v.object({ to: v.string(), width: v.optional(v.number(), 320) }),
  perform: ({ width }) => width,
});
const withArktype = defineJob({
  name: "arktype",
  schema: type({ to: "string", width: "number = 320" }),
  perform: ({ width }) => width,
});
const plain = defineJob({ name: "plain", perform: async ({ id }: { id: number; note?: string }) => id });
const nothing = defineJob({ name: "nothing", perform: async () => "done" });
const open = defineJob({ name: "open", perform: (_: unknown) => {} });
const preprocessed = defineJob({
  name: "preprocessed",
  schema: z.preprocess((text: unknown) => Number(text), z.number()),
  perform: (n) => n,
});
const rows = defineJob({
  name: "rows",
  performBatch: async (jobs: readonly BatchItem<{ row: number }>[]) => jobs.map(({ payload }) => payload),
});
const byHand = defineJob({
  name: "by_hand",
  schema: { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value: Number(value) }) } },
  perform: (n) => n,
});
const queue = () =>
  new Queue({ store: memoryStore(), jobs: [withZod, withValibot, withArktype, plain, nothing, open] });

describe("the compiler infers", () => {
  test("what enqueue takes, from the input of the schema, or from perform", () => {
    expectTypeOf<InputOf<typeof withZod>>().toEqualTypeOf<{ to: string; at: string }>();
    expectTypeOf<InputOf<typeof withValibot>>().toEqualTypeOf<{ to: string; width?: number | undefined }>();
    expectTypeOf<InputOf<typeof withArktype>>().toEqualTypeOf<{ to: string; width?: number }>();
    expectTypeOf<InputOf<typeof plain>>().toEqualTypeOf<{ id: number; note?: string }>();
    expectTypeOf<InputOf<typeof nothing>>().toEqualTypeOf<undefined>();
    expectTypeOf<InputOf<typeof withZod | typeof plain>>().toEqualTypeOf<
      { to: string; at: string } | { id: number; note?: string }
    >();
  });

  test("what perform gets, from the output of the schema", () => {
    expectTypeOf(withZod.perform).parameters.toEqualTypeOf<[{ to: string; at: Date }, JobContext]>();
    expectTypeOf(withValibot.perform).parameters.toEqualTypeOf<[{ to: string; width: number }, JobContext]>();
    expectTypeOf(withArktype.perform).parameters.toEqualTypeOf<[{ to: string; width: number }, JobContext]>();
    expectTypeOf(withZod.perform).returns.toEqualTypeOf<Promise<{ at: Date; attempt: number }>>();
    expectTypeOf(preprocessed.perform).parameter(0).toEqualTypeOf<number>();
    expectTypeOf(defineJob({ name: "none", schema: undefined, perform: (n: 7) => n }).perform)
      .parameter(0)
      .toEqualTypeOf<7>();
  });

  test("unknown, and never any, if nothing is known of a payload", () => {
    expectTypeOf<InputOf<AnyJob>>().toEqualTypeOf<unknown>();
    expectTypeOf<InputOf<string>>().toEqualTypeOf<unknown>();
    expectTypeOf<InputOf<typeof byHand>>().toEqualTypeOf<unknown>();
    expectTypeOf<InputOf<typeof open>>().toEqualTypeOf<unknown>();
    expectTypeOf<InputOf<typeof preprocessed>>().toEqualTypeOf<unknown>();
    expectTypeOf<InputOf<{ name: string; perform: (payload: { a: 1 }) => void }>>().toEqualTypeOf<{ a: 1 }>();
  });

  test("the same arguments for a queue and its client", () => {
    type Options = EnqueueOptions | RecurringOptions | OneTime<FamilyOptions<readonly ChildJob[]>>;
    const forPlain = queue().enqueue<typeof plain>;
    expectTypeOf<Parameters<typeof forPlain>>().toEqualTypeOf<
      [job: JobOrName<typeof plain>, payload: { id: number; note?: string }, options?: Options]
    >();
    const forNothing = queue().enqueue<typeof nothing>;
    expectTypeOf<Parameters<typeof forNothing>>().toEqualTypeOf<
      [job: JobOrName<typeof nothing>, payload?: undefined, options?: Options]
    >();
    const byName = queue().enqueue<string>;
    expectTypeOf<Parameters<typeof byName>>().toEqualTypeOf<[job: string, payload?: unknown, options?: Options]>();
    expectTypeOf<QueueClient["enqueue"]>().toEqualTypeOf<Queue["enqueue"]>();
    expectTypeOf<QueueClient["getJob"]>().toEqualTypeOf<Queue["getJob"]>();
    expectTypeOf<QueueClient["wait"]>().toEqualTypeOf<Queue["wait"]>();
    expectTypeOf<QueueClient["enqueueMany"]>().toEqualTypeOf<Queue["enqueueMany"]>();
  });

  test("a job that a queue reads by its definition, with what JSON makes of its payload and result", async () => {
    type Read = NonNullable<Awaited<ReturnType<typeof read>>>;
    const read = () => queue().getJob(withZod, "id");
    expectTypeOf<Read["payload"]>().toEqualTypeOf<{ to: string; at: string }>();
    expectTypeOf<Read["result"]>().toEqualTypeOf<{ at: string; attempt: number } | null | undefined>();
    expectTypeOf<JobInfoOf<typeof nothing>["payload"]>().toEqualTypeOf<null>();
    expectTypeOf<NonNullable<JobInfoOf<typeof nothing>["result"]>>().toEqualTypeOf<string>();
    expectTypeOf<NonNullable<JobInfoOf<typeof open>["result"]>>().toEqualTypeOf<never>();
    expectTypeOf<NonNullable<JobInfoOf<typeof rows>["result"]>>().toEqualTypeOf<{ row: number }>();
    type Watched<Events> = Events extends AsyncGenerator<infer Event> ? Event : never;
    type Event = Watched<ReturnType<typeof watchJob<typeof rows>>>;
    expectTypeOf<NonNullable<Event["result"]>>().toEqualTypeOf<{ row: number }>();
    expectTypeOf<Event>().toEqualTypeOf<JobEventOf<typeof rows>>();
    type Shown = ReturnType<typeof useJob<typeof rows>>;
    expectTypeOf<NonNullable<Shown["result"]>>().toEqualTypeOf<{ row: number }>();
    expectTypeOf<JobEventOf<AnyJob>["result"]>().toEqualTypeOf<unknown>();
    expectTypeOf<JobInfoOf<AnyJob>["payload"]>().toEqualTypeOf<unknown>();
    expectTypeOf<JobInfoOf<AnyJob>["result"]>().toEqualTypeOf<unknown>();
    expectTypeOf(await queue().getJob("id")).toEqualTypeOf<JobInfo | null>();
    expect(await queue().wait(plain, "id")).toBeNull();
  });

  test("what arrives of a value that is stored as JSON", () => {
    interface Tree {
      readonly at: Date;
      readonly under: readonly Tree[];
    }
    expectTypeOf<JsonOf<Tree>["under"][number]["at"]>().toEqualTypeOf<string>();
    expectTypeOf<JsonOf<Map<string, Date>>>().toEqualTypeOf<Record<string, never>>();
    expectTypeOf<JsonOf<URL>>().toEqualTypeOf<string>();
    expectTypeOf<JsonOf<bigint>>().toEqualTypeOf<never>();
    expectTypeOf<JsonOf<undefined>>().toEqualTypeOf<null>();
    expectTypeOf<JsonOf<[Date, undefined, "a" | 1]>>().toEqualTypeOf<[string, null, "a" | 1]>();
    expectTypeOf<
      JsonOf<{ a?: Date; b: number | undefined; c: () => void; d: unknown; [e: `x-${string}`]: Date }>
    >().toEqualTypeOf<{ a?: string; b?: number; d?: unknown; [e: `x-${string}`]: string }>();
    expectTypeOf<JsonOf<string & { readonly brand: 1 }>>().toEqualTypeOf<string & { readonly brand: 1 }>();
  });

  test("what a step returns, as JSON has it, and what a signal brings", async () => {
    const each = defineJob({
      name: "each",
      async perform(_: undefined, job) {
        const step = await job.step("row", async () => ({ at: new Date(0), sums: new Map([[1, 2]]), note: undefined }));
        expectTypeOf(step).toEqualTypeOf<{ at: string; sums: Record<string, never>; note?: never }>();
        const nothing = await job.step("nothing", () => {});
        expectTypeOf(nothing).toEqualTypeOf<null>();
        expectTypeOf(await job.step("maybe", () => (job.attempt > 1 ? ["a"] : 7))).toEqualTypeOf<number | string[]>();
        expectTypeOf(await job.waitFor("a", { timeout: "1m" })).toEqualTypeOf<unknown>();
        const reply = await job.waitFor<{ text: string }>(["a", "b"], { timeout: "1m" });
        expectTypeOf(reply).toEqualTypeOf<{ text: string } | null>();
        return { step, nothing, reply };
      },
    });
    const jobs = new Queue({ store: memoryStore(), jobs: [each] });
    for (const n of [1, 2]) await jobs.signal("a", { text: `${n}` });
    const { id } = await jobs.enqueue(each);
    await jobs.drain();
    const result = { step: { at: "1970-01-01T00:00:00.000Z", sums: {} }, nothing: null, reply: { text: "2" } };
    expect(await jobs.getJob(each, id)).toMatchObject({ result });
  });

  test("that a handler of many jobs has no steps", () => {
    expectTypeOf<BatchItem<string>["job"]>().not.toHaveProperty("step");
    expectTypeOf<BatchItem<string>["job"]>().not.toHaveProperty("sleep");
    expectTypeOf<BatchItem<string>["job"]>().not.toHaveProperty("waitFor");
    expectTypeOf<JobContext>().toHaveProperty("step");
  });

  test("the same signal for a queue and its client", () => {
    expectTypeOf<QueueClient["signal"]>().returns.toEqualTypeOf<ReturnType<Queue["signal"]>>();
  });

  test("results", async () => {
    expectTypeOf(await queue().enqueue(nothing)).toEqualTypeOf<EnqueueResult>();
    expectTypeOf(await performJob(nothing)).toEqualTypeOf<Performed<string>>();
    expectTypeOf(await performJob(plain, { id: 7 })).toEqualTypeOf<Performed<number>>();
  });
});

describe("the compiler accepts", () => {
  test("jobs of unknown type, by definition or name, alone and in lists", async () => {
    const some: AnyJob = plain;
    const either = Math.random() < 2 ? nothing : "nothing";
    const jobs = queue();
    await jobs.enqueue(some, { id: 7 });
    await jobs.enqueue(either);
    await jobs.enqueueMany([some, either, "open"].map((job) => ({ job, payload: undefined })));
    await jobs.schedules.upsert("daily", { job: some, payload: { id: 7 }, cron: "0 0 9 * * *" });
  });

  test("a list of jobs of several types that is declared elsewhere", async () => {
    const mixed = [1, 2].map((id) => (id === 1 ? { job: plain, payload: { id } } : { job: nothing }));
    const tuple = [{ job: plain, payload: { id: 7 } }, { job: nothing }] as const;
    const jobs = queue();
    await jobs.enqueueMany(mixed);
    await jobs.enqueueMany(tuple);
    await jobs.enqueueMany([...tuple, { job: "open", payload: 1 }]);
    await jobs.enqueueMany([]);
  });
});

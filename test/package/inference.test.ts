import { type } from "arktype";
import * as v from "valibot";
import { describe, expectTypeOf, test } from "vitest";
import * as z from "zod";
import type { QueueClient } from "../../src/client/index.ts";
import {
  type AnyJob,
  defineJob,
  type EnqueueOptions,
  type EnqueueResult,
  type FamilyOptions,
  type InputOf,
  type JobContext,
  memoryStore,
  Queue,
  type RecurringOptions,
} from "../../src/index.ts";
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
    type Options = EnqueueOptions | RecurringOptions | FamilyOptions<[]>;
    const forPlain = queue().enqueue<typeof plain>;
    expectTypeOf<Parameters<typeof forPlain>>().toEqualTypeOf<
      [job: typeof plain, payload: { id: number; note?: string }, options?: Options]
    >();
    const forNothing = queue().enqueue<typeof nothing>;
    expectTypeOf<Parameters<typeof forNothing>>().toEqualTypeOf<
      [job: typeof nothing, payload?: undefined, options?: Options]
    >();
    const byName = queue().enqueue<string>;
    expectTypeOf<Parameters<typeof byName>>().toEqualTypeOf<[job: string, payload?: unknown, options?: Options]>();
    expectTypeOf<QueueClient["enqueue"]>().toEqualTypeOf<Queue["enqueue"]>();
    expectTypeOf<QueueClient["enqueueMany"]>().toEqualTypeOf<Queue["enqueueMany"]>();
    expectTypeOf<QueueClient["schedules"]["upsert"]>().toEqualTypeOf<Queue["schedules"]["upsert"]>();
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

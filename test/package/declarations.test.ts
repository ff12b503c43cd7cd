import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chosenCompilers, compile, compilers, projectOf } from "./compile.ts";

const jobs = {
  zod: `
import { defineJob } from "tidegate";
import * as z from "zod";
export const send = defineJob({
  name: "zod",
  schema: z.object({ to: z.string(), subject: z.string().default("Hello") }),
  schedule: { cron: "0 9 * * *", timeZone: "Europe/Paris" },
  schedulePayload: { to: "ada@example.com" },
  perform: async ({ to, subject }, job) => ({ to, subject, attempt: job.attempt }),
});
`,
  valibot: `
import { defineJob } from "tidegate";
import * as v from "valibot";
export const send = defineJob({
  name: "valibot",
  schema: v.object({ to: v.string(), subject: v.optional(v.string(), "Hello") }),
  timeout: "10s",
  perform: async ({ to, subject }) => ({ to, subject }),
});
`,
  arktype: `
import { type } from "arktype";
import { defineJob } from "tidegate";
export const send = defineJob({
  name: "arktype",
  schema: type({ to: "string", subject: "string = 'Hello'" }),
  perform: async ({ to, subject }) => ({ to, subject }),
});
`,
  none: `
import { defineJob } from "tidegate";
export const send = defineJob({ name: "none", perform: async ({ to }: { to: string; subject?: string }) => ({ to }) });
export const tick = defineJob({ name: "tick", schedule: { cron: "* * * * *" }, perform() {} });
`,
  // A library that is built on the package.
  wrapped: `
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type AnyJob, defineJob, memoryStore, Queue } from "tidegate";
import { QueueClient } from "tidegate/client";
import { expectEnqueued, performJob } from "tidegate/testing";
import { send } from "./zod.js";
export const queue = new Queue({ store: memoryStore(), jobs: [send] });
export const client = new QueueClient({ url: "https://queue.test", token: "secret" });
export const { enqueue, enqueueMany } = client;
export const bound = { enqueue: queue.enqueue.bind(queue), upsert: queue.schedules.upsert.bind(queue.schedules) };
export const kit = { expectEnqueued, performJob };
export const again = () => performJob(send, { to: "Ada" });
export const urgent = <Schema extends StandardSchemaV1>(schema: Schema) =>
  defineJob({ name: "urgent", schema, maxRetries: 9, perform: (payload) => payload });
export const later = (job: AnyJob, payload: unknown) => queue.enqueue(job, payload, { delay: "1h" });
`,
  annotated: `
import { defineJob, type JobDefinition, memoryStore, Queue } from "tidegate";
import * as z from "zod";
export interface Mail { to: string; subject: string }
export const send: JobDefinition<{ to: string; subject?: string | undefined }, Mail, Promise<Mail>> = defineJob({
  name: "annotated",
  schema: z.object({ to: z.string(), subject: z.string().default("Hello") }),
  perform: async (mail): Promise<Mail> => mail,
});
export const plain: JobDefinition<Mail> = defineJob({ name: "plain", perform: async (mail: Mail) => mail.to });
export const queue: Queue = new Queue({ store: memoryStore(), jobs: [send, plain] });
`,
};

/** Another package, which sees only the declarations. */
const user = `
import type { InputOf } from "tidegate";
import * as arktype from "./jobs/arktype.js";
import * as none from "./jobs/none.js";
import * as valibot from "./jobs/valibot.js";
import { bound, client, queue, urgent } from "./jobs/wrapped.js";
import * as zod from "./jobs/zod.js";
import * as z from "zod";

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <A, B>(_: Equals<A, B>) => {};
is<InputOf<typeof zod.send>, { to: string; subject?: string | undefined }>(true);
is<InputOf<typeof valibot.send>, { to: string; subject?: string | undefined }>(true);
is<InputOf<typeof arktype.send>, { to: string; subject?: string }>(true);
is<InputOf<typeof none.send>, { to: string; subject?: string }>(true);
is<InputOf<typeof none.tick>, undefined>(true);
is<Parameters<typeof zod.send.perform>[0], { to: string; subject: string }>(true);
is<Parameters<typeof valibot.send.perform>[0], { to: string; subject: string }>(true);
is<Parameters<typeof arktype.send.perform>[0], { to: string; subject: string }>(true);
is<Awaited<ReturnType<typeof zod.send.perform>>, { to: string; subject: string; attempt: number }>(true);

const urgentMail = urgent(z.object({ to: z.string() }));
is<InputOf<typeof urgentMail>, { to: string }>(true);

await queue.enqueue(zod.send, { to: "ada" });
await client.enqueue(valibot.send, { to: "ada" }, { delay: "5m" });
await bound.enqueue(arktype.send, { to: "ada" });
await queue.enqueue(none.tick);
await queue.enqueueMany([{ job: none.send, payload: { to: "ada" } }, { job: none.tick }, { job: "other", payload: 1 }]);
await bound.upsert("daily", { job: zod.send, payload: { to: "ada" }, cron: "0 9 * * *" });
`;

let project: string;

beforeAll(async () => {
  const sources = Object.entries(jobs).map(([name, text]) => [`src/jobs/${name}.ts`, text]);
  const users = Object.values(compilers).map((compiler) => [`${compiler}/user.ts`, user]);
  project = await projectOf(Object.fromEntries([...sources, ...users]));
}, 180_000);

afterAll(() => rm(project, { recursive: true, force: true }));

describe.for(chosenCompilers)("with %s", (compiler) => {
  const emitted = compilers[compiler];
  const all = Object.keys(jobs).map((name) => `src/jobs/${name}.ts`);

  test("another package infers the same from exported declarations as from the source", async () => {
    const options = { declaration: true, rootDir: "src", outDir: emitted };
    expect(await compile(compiler, project, all, options)).toEqual([]);
    // The libraries were checked above. What is wrong in these declarations shows in the types that the user compares.
    const asUser = { noEmit: true, skipLibCheck: true };
    expect(await compile(compiler, project, [`${emitted}/user.ts`], asUser)).toEqual([]);
    for (const name of Object.keys(jobs)) {
      expect(await readFile(join(project, emitted, `jobs/${name}.d.ts`), "utf8")).not.toMatch(/\bany\b/);
    }
  });

  test("a definition with an explicit type can be exported under isolatedDeclarations", async () => {
    const output = { declaration: true, rootDir: "src", outDir: `${emitted}/isolated` };
    // The types of the packages are checked above.
    const options = { isolatedDeclarations: true, skipLibCheck: true, ...output };
    expect(await compile(compiler, project, ["src/jobs/annotated.ts"], options)).toEqual([]);
  });
});

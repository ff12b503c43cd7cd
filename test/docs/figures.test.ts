import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import results from "../../bench/results.json" with { type: "json" };
import { measured, type Row } from "../../bench/results.ts";
import { sizes } from "../package/sizes.ts";

const root = join(import.meta.dirname, "../..");

/** The text of a page, on one line. */
const page = (file: string) => readFileSync(join(root, file), "utf8").replace(/\s+/g, " ");

const inBenchmarks = (part: string, what: string, unit: string, column?: string) =>
  measured(results.rows as readonly Row[], part, what, unit, column).median;

describe("a figure that is on several pages is the same on each:", () => {
  test("what an idle BullMQ costs", () => {
    const idle = inBenchmarks("commands", "an idle minute", "commands", "bullmq");
    const [enqueue, run] = ["enqueue one job", "drain a backlog, per job"].map((what) =>
      Math.round(inBenchmarks("commands", what, "commands", "bullmq")),
    );
    expect(page("docs/guide/costs.md")).toContain(
      `${enqueue} commands to enqueue a job and ${run} to run it, and ${idle} per minute while idle`,
    );
    expect(page("docs/guide/from-bullmq.md")).toContain(`sends commands while it waits: ${idle} per minute`);
  });

  test("what an occurrence costs", () => {
    const [, cost] = /an occurrence of a schedule, [^|]*\| (\d+) \|/.exec(page("docs/guide/costs.md")) ?? [];
    expect(page("docs/guide/costs.md")).toContain(`An occurrence of a schedule costs ${cost},`);
    expect(page("docs/guide/cron.md")).toContain(`An occurrence [costs ${cost} commands]`);
  });

  test("what a job costs", () => {
    const costs = page("docs/guide/costs.md");
    const [, one] = /\| enqueue one job \| (\d+) \|/.exec(costs) ?? [];
    const [, eager] = /\| one job, run right after it is enqueued \| (\d+);/.exec(costs) ?? [];
    const [, enqueued] = /\| enqueue 100 jobs at once[^|]*\| (\d+);/.exec(costs) ?? [];
    const [, drained] = /\| drain a backlog in batches of 100 \| (\d+) per batch/.exec(costs) ?? [];
    const bulk = (Number(enqueued) + Number(drained)) / 100;
    expect(page("README.md")).toContain(
      `${one} to enqueue a job, ${eager} to enqueue it and run it at once, ${bulk} in`,
    );
    expect(costs).toContain(`costs ${enqueued} commands to enqueue and ${drained} to run: ${bulk} per job`);
    expect(costs).toContain(`in batches of 100 | ${bulk} commands`);
  });

  test("what a job takes of Redis and of a Worker", () => {
    const costs = page("docs/guide/costs.md");
    const bytes = inBenchmarks("memory", "a waiting job, payload of 1 KB", "bytes of Redis");
    expect(costs).toContain(`payload of 1 KB takes about [${(bytes / 1_000).toFixed(1)} KB]`);
    const cpu = (jobs: number, isolate: string) =>
      inBenchmarks("workerd", isolate.replace("N", String(jobs)), "ms of CPU", "the script's thread");
    const warm = "a drain of N in a warm isolate";
    expect(costs).toContain(
      `about ${Math.round(((cpu(100, warm) - cpu(30, warm)) / 70) * 1_000)} us for each further job`,
    );
    const [fresh, drained] = [cpu(30, "first request of a new isolate: a drain of N"), cpu(30, warm)].map(Math.round);
    expect(page("docs/guide/cloudflare.md")).toContain(`30 jobs takes ${drained} ms, and ${fresh} in a new isolate`);
  });

  test("how large bundles are", () => {
    const { worker, names, producer, dashboard, qstash } = sizes;
    const client = sizes.client.toFixed(1);
    const cloudflare = page("docs/guide/cloudflare.md");
    expect(cloudflare).toContain(`The README's Worker has at most ${worker} KB`);
    expect(cloudflare).toContain(`which is on by default, adds up to ${names} KB`);
    expect(cloudflare).toContain(`\`tidegate/dashboard\`, including its page | ${dashboard} |`);
    expect(cloudflare).toContain(`\`tidegate/qstash\` | ${qstash} |`);
    expect(cloudflare).toContain(
      `has at most ${producer} KB, and one that calls the handler with \`QueueClient\` ${client} KB`,
    );
    const enqueue = page("docs/guide/enqueue.md");
    expect(enqueue).toContain(`such a Worker has at most ${producer} KB`);
    expect(enqueue).toContain(`[handler has ${worker} KB]`);
    expect(enqueue).toContain(`It adds ${client} KB.`);
    expect(page("docs/dashboard.md")).toContain(`It adds at most ${dashboard} KB to a Worker`);
  });
});

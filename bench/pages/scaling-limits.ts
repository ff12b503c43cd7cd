import { figureText, numberText } from "../figures.ts";
import { ALL_THREADS, firstDrain, SCRIPT_THREAD, warmDrain } from "../parts/workerd.ts";
import { measured, type Row, rowsOf } from "../results.ts";

const FREE_PLAN_MS = 10;

/** How many jobs fit into Cloudflare's limit of CPU time. */
export function cpuSection(rows: readonly Row[]): string {
  const lines = rowsOf({ rows }, "workerd")
    .filter(({ unit }) => unit === "ms of CPU")
    .map(({ what, figures }) => {
      return `| ${what} | ${figureText(figures[SCRIPT_THREAD])} | ${figureText(figures[ALL_THREADS])} |`;
    });
  const ms = (what: string) => measured(rows, "workerd", what, "ms of CPU", SCRIPT_THREAD).median;
  const perJob = (ms(warmDrain(100)) - ms(warmDrain(30))) / 70;
  const first = ms(firstDrain(30));
  return `## The CPU of an invocation

*Measured*, \`npm run bench -- workerd\`, in workerd on this machine, less the time of an empty script:

| ms of CPU | ${SCRIPT_THREAD} | ${ALL_THREADS} |
|---|--:|--:|
${lines.join("\n")}

*Computed* from the last two: ${numberText(perJob * 1_000)} us for each further job. Cloudflare's free plan gives an invocation ${FREE_PLAN_MS} ms, not
counting the start of an isolate. The preset \`cloudflareFree\` runs 30 jobs: in a warm isolate that leaves ${numberText(FREE_PLAN_MS - ms(warmDrain(30)))} ms
for the jobs. The first request of a new isolate runs code that is not warm yet; on this machine it took ${numberText(first)} ms for the same,
${first > FREE_PLAN_MS ? "**more than the free plan allows**" : "within what the free plan allows"}. The paid plan's 30 s are more than a drain of one minute can use.
`;
}

const SIZES = ["100 bytes", "1 KB", "10 KB"];
const KEY_LIMIT = 100_000_000;
const DAY_S = 86_400;

/** How many jobs fit into Upstash's limit of 100 MB per key. */
export function keySection(rows: readonly Row[]): string {
  const bytes = (key: string, size: string) =>
    measured(rows, "memory", `key ${key}, payload of ${size}`, "bytes a job").median;
  const room = (perJob: number) => numberText(Number((KEY_LIMIT / perJob).toPrecision(3)));
  const lines = SIZES.map((size) => {
    const [waiting, finished] = [bytes("jobs", size), bytes("done", size)];
    const cells = [numberText(waiting), room(waiting), numberText(finished), room(finished)];
    return `| ${size} | ${cells.join(" | ")} |`;
  });
  const finishedRoom = KEY_LIMIT / bytes("done", "100 bytes");
  return `## 100 MB a key

*Measured* with \`MEMORY USAGE\` of redis-server, \`npm run bench -- memory\`; Upstash is assumed to count the same way.

| payload | waiting: \`jobs\`, bytes a job | waiting jobs in 100 MB | finished: \`jobs\`, bytes a job | finished jobs in 100 MB |
|---|--:|--:|--:|--:|
${lines.join("\n")}

\`due\` takes ${numberText(bytes("due", "100 bytes"))} bytes for each waiting job whatever the payload, so \`jobs\` fills first.

**At high rates retention fills a key before any backlog does.** *Computed*: 1,000 jobs a second kept for the default of 24
hours are ${numberText((1_000 * DAY_S) / 1e6)} million records, ${numberText(Math.round((1_000 * DAY_S) / finishedRoom))} times what \`jobs\` holds on a small plan. Keep
\`retention\` below \`${room(bytes("done", "100 bytes"))} / jobs per second\` seconds (payload of 100 bytes): at 10,000 a second that is
${numberText(Math.floor(finishedRoom / 10_000))} s. \`retention: "0s"\` keeps none, and saves one command a batch.
`;
}

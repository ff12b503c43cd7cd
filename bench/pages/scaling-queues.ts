import { readFileSync } from "node:fs";
import { regionOf } from "../../scripts/docs/snippets.ts";
import { numberText } from "../figures.ts";
import { upstashRedis } from "../prices.ts";
import { measured, type Row } from "../results.ts";

const HIGH_RATE = 100_000;
/** How much of a core is planned for Redis, so that bursts have room. */
const PLANNED_SHARE = 0.7;

/** The code of the section, which a test runs. */
const EXAMPLE = "examples/guide/several-queues.ts";

/** What to do when one queue is not enough. */
export function queuesSection(rows: readonly Row[]): string {
  const text = readFileSync(new URL(`../../${EXAMPLE}`, import.meta.url), "utf8");
  return `## Several queues

One queue is one set of keys in one database: one core of Redis runs its scripts, one lock guards it at Upstash, and on small plans each of
its keys holds [100 MB](#100-mb-a-key). If that is not enough, use several queues. Choose the queue by a hash of what belongs together, such
as the customer:

<!-- from: ${EXAMPLE}#queues -->
\`\`\`ts
${regionOf(text, "queues")}\`\`\`

One handler, one drain and one [page](./dashboard.md) serve all of them: \`createHandler({ queues })\`, \`createWorker\` and \`startWorker\` take the
list. Its order is the [priority](./guide/work.md#priority), so shuffle it for each invocation if all of them matter alike.

- An id, a dedupe key, a flow control key and a signal count within one queue. Hash the same text for all jobs that share one.
- To change the number of queues, add queues under new names. Enqueue there, and drain the old ones until they are empty.
- An idle tick costs a command for each queue. Declare schedules in one of them: give the others their jobs without \`schedule\`.
- Queues in one database share its core. They have separate keys, and separate locks at Upstash. The gain depends on its servers, and was not
  measured.
- Queues in several databases share nothing, so each database adds a core. If one is lost, only its queues wait: a drain goes on with the
  others, and then throws \`store_unavailable\`. A database that is gone for good takes its jobs with it, because nothing is stored twice.

${highRateText(rows)}`;
}

/** What 100,000 jobs a second would take. */
function highRateText(rows: readonly Row[]): string {
  const overTcp = (what: string, unit: string) => measured(rows, "speed", what, unit, "tidegate-tcp").median;
  const drained = "drain 100,000, batch 1,000, concurrency 100";
  const redisUs = ["enqueue, batches of 1,000", drained]
    .map((what) => overTcp(what, "CPU of Redis, us a job"))
    .reduce((sum, us) => sum + us);
  const cores = (HIGH_RATE * redisUs) / 1e6;
  const drains = (HIGH_RATE * overTcp(drained, "CPU of the process, us a job")) / 1e6;
  const commands =
    measured(rows, "commands", "enqueue 1,000 at once, per job", "commands", "tidegate").median +
    measured(rows, "speed", drained, "commands a job").median;
  const dollars = ((commands * HIGH_RATE * 3_600) / 1e6) * upstashRedis.dollarsPerMillion;
  return `**${numberText(HIGH_RATE)} jobs a second**, enqueued and drained in batches of 1,000 over TCP, *computed* from
[speed](./benchmarks.md#speed):

| | |
|---|---|
| CPU of Redis | ${cores.toFixed(1)} cores: ${Math.ceil(cores / PLANNED_SHARE)} databases with a core each, ${PLANNED_SHARE * 100} % busy |
| CPU of the drains, with empty handlers | ${drains.toFixed(1)} cores: ${Math.ceil(drains / PLANNED_SHARE)} processes |
| commands | ${numberText(Math.round(commands * HIGH_RATE))} a second |
| Upstash, pay as you go, without traffic | $${dollars.toFixed(2)} an hour, if its servers keep up, which was not measured |
| retained jobs | ${numberText(HIGH_RATE * 86_400)} a day: set \`retention\` to \`"0s"\`, or to minutes |
`;
}

/** The same on a Redis Cluster. */
export const clusterSection = `## A Redis Cluster

A cluster helps once several queues need more than one core, and you would rather run one cluster than several databases. \`redisStore\` takes a
client of a whole cluster: a \`Cluster\` of \`ioredis\`, or the client of \`createCluster\` of \`redis\`. The keys of a queue are in one slot, and so
on one node. The slot follows from the prefix and the name, so a few queues may share a node: \`CLUSTER KEYSLOT "tidegate:{sync-0}:due"\` says
which slot it is.

- Slots may move and replicas may take over while queues drain. The clients follow \`MOVED\` and \`ASK\`. A script whose keys are being moved is
  refused with \`TRYAGAIN\`, and retried for up to 3 s: move queues with large keys at a quiet hour. A node that lacks a
  script gets it.
- \`CLUSTER FAILOVER\` and a move of slots lose nothing. **A primary that crashes loses what its replica had not received yet**, as in any
  Redis with replicas: see [what it does not promise](./guarantees.md#what-it-does-not-promise). Until the replica has taken over, which
  takes \`cluster-node-timeout\` and more, calls for its queues throw \`store_unavailable\`, and the other queues go on.

\`test/stores/redis-cluster.test.ts\` does all of this to a cluster of three primaries with replicas.
`;

import { figureText, numberText } from "../figures.ts";
import { DATABASES, DRAINED, ENQUEUED, nameOf } from "../parts/databases.ts";
import { upstashRedis } from "../prices.ts";
import { measured, type Row } from "../results.ts";

const HIGH_RATE = 100_000;
/** How much of a core is planned for Redis, so that bursts have room. */
const PLANNED_SHARE = 0.7;

/** One queue on several databases: what each adds, and what the loss of one of them stops. */
export function databasesSection(rows: readonly Row[]): string {
  const lines = DATABASES.map((databases) => {
    const of = (what: string, unit = "CPU of Redis, us a job") =>
      figureText(measured(rows, "databases", `${nameOf(databases)}, ${what}`, unit, "tidegate-tcp"));
    const share = databases === 1 ? "100" : of("the busiest database", "% of the CPU of all");
    return `| ${databases} | ${of(ENQUEUED)} | ${of(DRAINED)} | ${share} | ${numberText(mostPerSecond(rows, databases))} |`;
  });
  return `${spreadText}
**What each adds.** *Measured*, \`npm run bench -- databases\`, over TCP: the CPU of all databases together for each job, which rises a
little with their number. The busiest database takes more than its share, because jobs that are enqueued together go to one partition. So
throughput grows with the number of databases, until the processes that drain are the limit. The last column is *computed* for databases
with a core each: how many jobs a second are enqueued and drained.

| databases | enqueued, us a job | drained, us a job | the busiest, % of all | at most, jobs a second |
|--:|--:|--:|--:|--:|
${lines.join("\n")}

${highRateText(rows)}
${lossText}`;
}

function cpuPerJob(rows: readonly Row[], databases: number): number {
  const us = (what: string) =>
    measured(rows, "databases", `${nameOf(databases)}, ${what}`, "CPU of Redis, us a job", "tidegate-tcp").median;
  return us(ENQUEUED) + us(DRAINED);
}

function mostPerSecond(rows: readonly Row[], databases: number): number {
  return Math.round((databases * 1_000) / cpuPerJob(rows, databases)) * 1_000;
}

/** What 100,000 jobs a second would take. */
function highRateText(rows: readonly Row[]): string {
  const usPerJob = cpuPerJob(rows, DATABASES.at(-1) ?? 1);
  const cores = (HIGH_RATE * usPerJob) / 1e6;
  const process = measured(
    rows,
    "speed",
    "drain 100,000, batch 1,000, concurrency 100",
    "CPU of the process, us a job",
    "tidegate-tcp",
  ).median;
  const commands =
    measured(rows, "commands", "enqueue 1,000 at once, per job", "commands", "tidegate").median +
    measured(rows, "speed", "drain 100,000, batch 1,000, concurrency 100", "commands a job").median;
  const dollars = ((commands * HIGH_RATE * 3_600) / 1e6) * upstashRedis.dollarsPerMillion;
  return `**${numberText(HIGH_RATE)} jobs a second**, enqueued and drained in batches of 1,000, *computed* from these figures and those of
[speed](./benchmarks.md#speed):

| | |
|---|---|
| CPU of Redis | ${cores.toFixed(1)} cores: ${Math.ceil(cores / PLANNED_SHARE)} databases with a core each, ${PLANNED_SHARE * 100} % busy |
| CPU of the drains, with empty handlers | ${((HIGH_RATE * process) / 1e6).toFixed(1)} cores: ${Math.ceil((HIGH_RATE * process) / 1e6 / PLANNED_SHARE)} processes |
| commands | ${numberText(Math.round(commands * HIGH_RATE))} a second |
| Upstash, pay as you go, without traffic | $${dollars.toFixed(2)} an hour, if its servers keep up, which was not measured |
| retained jobs | ${numberText(HIGH_RATE * 86_400)} a day: set \`retention\` to \`"0s"\`, or to minutes |
`;
}

const spreadText = `## Several databases

\`partitioned([storeA, storeB], n)\` spreads the partitions of one queue over several databases: partition p is in the store whose number is
p modulo the number of stores. The stores may be of any kind, such as two Upstash databases in different regions, and share nothing. Use at
least one partition for each, or more if the limit of 100 MB per key matters.

**Adding a database.** The stores and their order are stored with the queue, in every store, and fixed like the [number of partitions](#partitions):
to add a database, choose a new name for the queue.
`;

const lossText = `**What a lost database stops**, and what continues:

| | |
|---|---|
| jobs in the other databases | run as before. A drain waits up to a second for a response, continues without it and logs a warning |
| jobs in the lost one | wait. Those that were running when it was lost run again once it is back and their leases have expired |
| new jobs | go to the others. The first enqueue of a process that meets the loss may fail with \`store_unavailable\`; after that, new jobs avoid the lost database for 30 s |
| new jobs with your own id or a dedupe key | fail if they belong in the lost one: only that database knows whether they are duplicates |
| schedules | are in the first database, with their jobs. They stop if that one is lost, and catch up as \`missed\` says |
| \`getStats\`, lists, \`pause\`, calls for the whole dead-letter queue | fail with \`store_unavailable\`. Their changes to the others stay, and you can repeat them |
| \`getJob\`, \`cancel\` and others with an id | fail if the job is in the lost one |
| \`GET /health\` | responds with 503 |
| a drain that holds jobs of the lost one | settles what it can, ends with \`store_unavailable\`, and the next one continues |
| a drain that meets the loss with its first claim | continues with the others if its budget has room after the failed requests. If not, the next drain does |

A database that is gone for good takes its jobs with it, because nothing is stored twice. An empty one in its place is initialized again, and the
queue continues. One of two databases is lost twice as often as a single one, each time with half of the jobs.
`;

/** The same on a Redis Cluster. */
export const clusterSection = `## A Redis Cluster

\`redisStore\` takes a client of a whole cluster: a \`Cluster\` of \`ioredis\`, or the client of \`createCluster\` of \`redis\`. The keys of a queue are in
one slot, and so on one node. With \`partitioned(redisStore(cluster), n)\` each partition has its own slot:

- The first 2, 4, 8, ... 64 partitions are in as many equal shares of the slots, whatever the name of the queue. So if n nodes have
  equal shares, 2 n partitions, rounded up to a power of two, reach all of them.
- Slots may move and replicas may take over while queues drain. The clients follow \`MOVED\` and \`ASK\`. A script whose keys are being moved is
  refused with \`TRYAGAIN\`, and retried for up to 3 s: move queues with large keys at a quiet hour. A node that lacks a
  script gets it.
- \`CLUSTER FAILOVER\` and a move of slots lose nothing. **A primary that crashes loses what its replica had not received yet**, as in any
  Redis with replicas: see [what it does not promise](./guarantees.md#what-it-does-not-promise). Until the replica has taken over, which
  takes \`cluster-node-timeout\` and more, calls for its partitions throw \`store_unavailable\`, and the other partitions continue.

\`test/stores/redis-cluster.test.ts\` does all of this to a cluster of three primaries with replicas.
`;

import { deepStrictEqual } from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { Client } from "@upstash/qstash";
import { Client as WorkflowClient } from "@upstash/workflow";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { Queue } from "../../src/index.ts";
import { Documents } from "../../src/qstash/shared/documents.ts";
import { type Runs, runStore } from "../../src/qstash/workflow/run-documents.ts";
import { allPages } from "./all-pages.ts";
import type { Child } from "./child.ts";
import { disturb } from "./crashes.ts";
import { deliveryPoints } from "./delivery-points.ts";
import { type DeliveryReceiver, eventOf, type Plan, startReceiver } from "./delivery-receiver.ts";
import { serveFetch } from "./http-server.ts";
import { readStored, storedBreaches } from "./invariants.ts";
import { noneAt, type Series, variables } from "./kills.ts";
import { chosen } from "./random.ts";
import { RespClient } from "./resp.ts";
import type { Stage } from "./stage.ts";
import { stepIsStored } from "./stored-steps.ts";

const points = [...deliveryPoints, "any moment"] as const;

/** What a series of trials has found: nothing yet. */
export const newFigures = () => ({
  trials: 0,
  /** Processes killed at each point, and at any moment. */
  killed: noneAt(points),
  /** Processes that ended by themselves: nothing was left to do. */
  ended: 0,
  restarts: 0,
  flushes: 0,
  /** Messages whose publisher got their ids. */
  acknowledged: 0,
  /** Requests that the receiver of the SDK verified: messages, callbacks, and those to workflows. */
  deliveries: 0,
  /** Requests whose signature it refused. */
  forged: 0,
  /** Deliveries of messages that had been answered with 200 before. */
  repeated: 0,
  /** Jobs that were left at the end. */
  left: 0,
  /** Acknowledged messages that were neither delivered nor, if they had to die, in the dead letter. */
  lost: 0,
  /** Messages with one deduplication id of which more than one was made. */
  duplicated: 0,
  /** Messages of an ordered queue that came before an earlier one was delivered. */
  overtaken: 0,
  /** Ends of messages with a callback, of which each was reported. */
  ends: 0,
  /** Ends that no callback reported. */
  unreported: 0,
  /** Ends that several callbacks of one kind reported. */
  reportedTwice: 0,
  /** Runs of the workflow that ended with success. */
  runs: 0,
  /** Acknowledged runs that did not. */
  unended: 0,
  /** Times that a step ran. */
  steps: 0,
  /** Times that a step ran again, for its result had not been stored. */
  stepsAgain: 0,
  /** Times that a step ran although its result was stored. */
  stepsAgainInVain: 0,
  /** Steps of which the workflow saw two results, or not the one that it had to see. */
  resultsLost: 0,
});

export type DeliveryFigures = ReturnType<typeof newFigures>;

/** What no trial may find. */
export const mustBeNone = [
  ...(["left", "lost", "forged", "duplicated", "overtaken", "unreported", "reportedTwice"] as const),
  ...(["unended", "stepsAgainInVain", "resultsLost"] as const),
] as const;

/** A published message, and what must come of it. */
interface Published {
  readonly number: number;
  readonly plan: Plan;
  readonly messageId: string;
  readonly reports: readonly ("callback" | "failure")[];
}

const LEASE_IS_OVER_MS = 70_000;
const keys = { current: "sig_current_key", next: "sig_next_key" };
const token = btoa(JSON.stringify({ UserID: "defaultUser", Password: "defaultPassword" }));

/** One queue whose messages are published to, and delivered by, one process after another, most of which are killed. */
export async function deliverySeries({ stage, program, trials, random, progress }: Series): Promise<DeliveryFigures> {
  const prefix = stage.prefix();
  const figures = newFigures();
  let ahead = 0;
  const queue = new Queue({ store: stage.store(prefix), clock: () => Date.now() + ahead });
  const { runs } = runStore(new Documents(internalsOf(queue)), 0);
  let serving = "";
  // The process changes, and the address of the interface does not.
  const front = await serveFetch(async (request) => {
    const { pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    for (const name of ["host", "connection", "content-length"]) headers.delete(name);
    const body = await request.arrayBuffer();
    const init = { method: request.method, headers, ...(body.byteLength > 0 && { body }) };
    return fetch(serving + pathname + search, init).catch(() => new Response("", { status: 502 }));
  });
  const isStored = (runId: string, step: string) => stepIsStored(runs, runId, step);
  const receiver = await startReceiver({ baseUrl: front.url, token, keys, isStored });
  const start = async (given: Readonly<Record<string, string>>) => {
    const child = program.start({
      ...variables(stage, prefix, ahead),
      QSTASH_TOKEN: token,
      CURRENT_KEY: keys.current,
      NEXT_KEY: keys.next,
      TARGET: `${receiver.url}/*`,
      ...given,
    });
    await child.says(/ready \S+\n/);
    serving = /ready (\S+)\n/.exec(child.output)?.[1] ?? "";
    return child;
  };
  const publisher = new Publisher(front.url, receiver);
  try {
    for (let trial = 0; trial < trials; trial++) {
      publisher.plan(trial);
      const point = chosen(points, random);
      const child = await start({ DIE_AT: point, DIE_ON: String(1 + Math.floor(random() * 10)) });
      const killing = point === "any moment" ? killSoon(child, random) : undefined;
      await Promise.all([disturb(stage, random, figures), publisher.publishTo(child), killing]);
      if ((await child.ended) === null) figures.killed[point]++;
      else figures.ended++;
      ahead += LEASE_IS_OVER_MS;
      figures.trials++;
      progress?.(figures.trials);
    }
    // No more faults.
    const last = await start({ LEASE_IS_OVER_MS: String(LEASE_IS_OVER_MS) });
    await publisher.publishTo(last);
    deepStrictEqual(await last.ended, 0);
    await audit({ figures, queue, runs, publisher, receiver, stage, prefix });
    return figures;
  } finally {
    await receiver.stop();
    await front.stop();
  }
}

async function killSoon(child: Child, random: () => number): Promise<void> {
  await wait(random() * 150);
  child.process.kill("SIGKILL");
}

/** Publishes by the SDKs, and again what a process that was killed has not acknowledged. */
class Publisher {
  readonly published: Published[] = [];
  /** The messages of each deduplication id. */
  readonly deduplicated = new Map<number, Set<string>>();
  /** The numbers of the messages of the ordered queue. */
  readonly inLine: number[] = [];
  readonly runs: string[] = [];
  readonly #client: Client;
  readonly #workflow: WorkflowClient;
  readonly #receiver: DeliveryReceiver;
  readonly #actions: (() => Promise<void>)[] = [];
  #number = 0;

  constructor(baseUrl: string, receiver: DeliveryReceiver) {
    this.#client = new Client({ baseUrl, token, retry: false });
    this.#workflow = new WorkflowClient({ baseUrl, token, retry: false });
    this.#receiver = receiver;
  }

  get left(): number {
    return this.#actions.length;
  }

  /** Adds what a trial publishes. */
  plan(trial: number): void {
    const { url } = this.#receiver;
    const body = (plan: Plan) => ({ number: this.#number++, plan });
    const hook = `${url}/hook`;
    // A killed process takes an attempt of each message that it has claimed.
    const patient = { url: hook, retries: 400, retryDelay: "1000" };
    const callback = { callback: `${url}/callback`, headers: { "Upstash-Callback-Retries": "400" } };
    const failureCallback = {
      failureCallback: `${url}/failure`,
      headers: { ...callback.headers, "Upstash-Failure-Callback-Retries": "400" },
    };
    const batch = [
      { ...patient, ...callback, body: body("ok") },
      { ...patient, ...callback, ...failureCallback, body: body("flaky") },
      { url: hook, retries: 1, retryDelay: "1000", ...callback, ...failureCallback, body: body("dies") },
      { url: hook, retries: 1, ...failureCallback, body: body("refuses") },
    ];
    this.#actions.push(async () => {
      // The SDK turns the bodies that it is given into text, in place.
      const answers = await this.#client.batchJSON(batch.map((each) => ({ ...each })));
      for (const [index, { body: numbered, ...request }] of batch.entries()) {
        const { messageId } = answers[index] as { messageId: string };
        this.#note(messageId, numbered, request);
      }
    });
    const single = body("ok");
    this.#actions.push(async () => {
      const { messageId } = await this.#client.publishJSON({
        ...patient,
        ...callback,
        body: single,
        deduplicationId: `${single.number}`,
      });
      this.#note(messageId, single, callback);
      this.deduplicated.set(single.number, new Set());
    });
    const limited = body("flaky");
    this.#actions.push(async () => {
      const { messageId } = await this.#client.publishJSON({
        ...patient,
        body: limited,
        flowControl: { key: "key", parallelism: 2 },
      });
      this.#note(messageId, limited, {});
    });
    for (const inLine of [body("flaky"), body("ok")]) {
      this.#actions.push(async () => {
        const { messageId } = await this.#client
          .queue({ queueName: "orders" })
          .enqueueJSON({ ...patient, body: inLine });
        this.#note(messageId, inLine, {});
        this.inLine.push(inLine.number);
      });
    }
    if (trial % 3 === 0) this.#planRun(`wfr_${trial}`);
  }

  #planRun(run: string): void {
    this.#actions.push(async () => {
      const url = `${this.#receiver.url}/workflows/all`;
      await this.#workflow.trigger({ url, workflowRunId: run.slice("wfr_".length), retries: 400, retryDelay: "1000" });
      this.runs.push(run);
    });
    this.#actions.push(async () => {
      const event = { eventId: eventOf(run), eventData: "data", workflowRunId: run };
      await this.#workflow.notify(event).catch((error: { readonly status?: number }) => {
        // An earlier one, whose answer was lost, has ended the wait, and the run has ended since.
        if (error.status !== 404) throw error;
      });
    });
  }

  #note(messageId: string, numbered: { number: number; plan: Plan }, { callback, failureCallback }: Reports): void {
    const isDead = numbered.plan === "dies" || numbered.plan === "refuses";
    const reports = [
      ...(callback ? ["callback" as const] : []),
      ...(failureCallback && isDead ? ["failure" as const] : []),
    ];
    this.published.push({ ...numbered, messageId, reports });
  }

  /** Publishes until all is acknowledged or the process is dead, and then lets the process finish. */
  async publishTo(child: Child): Promise<void> {
    let isDead = false;
    child.ended.then(() => {
      isDead = true;
    });
    while (this.#actions[0] && !isDead) {
      try {
        await this.#actions[0]();
        this.#actions.shift();
      } catch (error) {
        const { status = 0 } = error as { readonly status?: number };
        if (status >= 400 && status < 500) throw error;
        await wait(5);
      }
    }
    child.process.kill("SIGTERM");
  }
}

interface Reports {
  readonly callback?: string;
  readonly failureCallback?: string;
}

interface Audited {
  readonly figures: DeliveryFigures;
  readonly queue: Queue;
  readonly runs: Runs;
  readonly publisher: Publisher;
  readonly receiver: DeliveryReceiver;
  readonly stage: Stage;
  readonly prefix: string;
}

/** Compares what was acknowledged with what the destinations got, and with what the queue has. */
async function audit(audited: Audited): Promise<void> {
  const { figures, queue, publisher, receiver, stage, prefix } = audited;
  const { arrivals, signatures } = receiver;
  figures.acknowledged = publisher.published.length;
  figures.deliveries = signatures.right;
  figures.forged = signatures.wrong;
  const good = arrivals.filter(({ status }) => status === 200);
  figures.repeated = good.length - new Set(good.map(({ messageId }) => messageId)).size;
  await auditMessages(audited);
  await auditRuns(audited);
  const { pendingCount, runningCount } = await queue.getStats();
  figures.left = pendingCount + runningCount + publisher.left;
  const redis = await RespClient.connect(stage.server.port);
  try {
    deepStrictEqual(storedBreaches(await readStored(redis, prefix)), []);
  } finally {
    redis.close();
  }
}

async function auditMessages({ figures, queue, publisher, receiver }: Audited): Promise<void> {
  const { arrivals, ends } = receiver;
  const delivered = new Set(arrivals.filter(({ status }) => status === 200).map(({ messageId }) => messageId));
  const pages = await allPages((cursor) => queue.listDeadLetter({ limit: 1_000, cursor }));
  const dead = new Set(pages.flatMap(({ jobs }) => jobs.map(({ id }) => id)));
  const endings = new Map<string, Set<string>>();
  for (const { kind, sourceMessageId, messageId } of ends) {
    const key = `${kind} ${sourceMessageId}`;
    endings.set(key, new Set([...(endings.get(key) ?? []), messageId]));
  }
  figures.reportedTwice = [...endings.values()].filter(({ size }) => size > 1).length;
  for (const { messageId, plan, reports } of publisher.published) {
    const mustDie = plan === "dies" || plan === "refuses";
    if (mustDie ? !dead.has(messageId) : !delivered.has(messageId)) figures.lost++;
    figures.ends += reports.length;
    figures.unreported += reports.filter((kind) => !endings.has(`${kind} ${messageId}`)).length;
  }
  for (const number of publisher.deduplicated.keys()) {
    const made = new Set(arrivals.filter((each) => each.number === number).map(({ messageId }) => messageId));
    if (made.size > 1) figures.duplicated++;
  }
  figures.overtaken = publisher.inLine.filter((number, index) => {
    const first = arrivals.findIndex((arrival) => arrival.number === number);
    const before = publisher.inLine[index - 1];
    return before !== undefined && first < arrivals.findIndex((each) => each.number === before && each.status === 200);
  }).length;
}

async function auditRuns({ figures, runs, publisher, receiver }: Audited): Promise<void> {
  const { ran, seen, ranAgain } = receiver.books;
  const counts = [...ran.values()].map(({ length }) => length);
  figures.steps = counts.reduce((sum, count) => sum + count, 0);
  figures.stepsAgainInVain = ranAgain.length;
  figures.stepsAgain = figures.steps - counts.length - ranAgain.length;
  for (const id of publisher.runs) {
    const run = await runs.find(id);
    if (run?.state === "success") figures.runs++;
    else figures.unended++;
    const expected = { call: [200, "called"], invoke: "invoked", wait: ["data", false], end: "reached" };
    const isAsExpected = (name: string, value: unknown) =>
      seen.get(`${id}/${name}`)?.has(JSON.stringify(value)) ?? false;
    figures.resultsLost += Object.entries(expected).filter(([name, value]) => !isAsExpected(name, value)).length;
  }
  figures.resultsLost += [...seen.values()].filter(({ size }) => size !== 1).length;
}

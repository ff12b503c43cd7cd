import type { AlertMessage } from "../../src/alerts/index.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { startReceiver } from "../alerts/receiver.ts";
import { killAtAnyMoment, noneAt, type Series, variables } from "./kills.ts";
import { chosen } from "./random.ts";

/** Where a process that sends alerts can be killed: as `crashPoints`, and around a request to a receiver. */
export const alertPoints = ["claimed", "settling", "settled", "sending", "sent", "any moment"] as const;

/** The result of a series of kills. */
export interface AlertFigures {
  /** Processes killed at each point, and at any moment. */
  readonly killed: Record<(typeof alertPoints)[number], number>;
  /** Groups of failures that have arisen meanwhile. */
  groups: number;
  /** Requests that the receiver has accepted, and how many of them said what an earlier one with their id had said. */
  requests: number;
  repeated: number;
  /** Groups that no message reported, and those whose end none reported. */
  unreported: number;
  unended: number;
  /** Groups that more messages reported than hours began in which their jobs died. */
  tooMany: number;
  /** Jobs that were left at the end. */
  left: number;
}

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const JOBS_A_TRIAL = 3;
const LEASE_IS_OVER_MS = 70_000;
const ROUND_MS = 1_800_000;
const HOUR_MS = 3_600_000;

/** A queue whose jobs all die, each trial of its own error, drained by processes until so many of them were killed. */
export async function alertSeries(series: Series): Promise<AlertFigures> {
  const { stage, program, trials: kills, random, progress } = series;
  const receiver = await startReceiver();
  const prefix = stage.prefix();
  let ahead = 0;
  const queue = new Queue({
    store: stage.store(prefix),
    jobs: [defineJob({ name: "fails", perform: () => {} })],
    clock: () => Date.now() + ahead,
  });
  const start = (dieAt = "", dieOn = 0) =>
    program.start({
      ...variables(stage, prefix, ahead, dieAt, dieOn),
      ...{ RECEIVER: receiver.url, SECRET: secret },
    });
  const killed = noneAt(alertPoints);
  try {
    let trial = 0;
    for (let done = 0; done < kills; trial++, ahead += LEASE_IS_OVER_MS) {
      for (let job = 0; job < JOBS_A_TRIAL; job++) await queue.enqueue("fails", { error: errorOf(trial) });
      const point = chosen(alertPoints, random);
      const child = start(point, 1 + Math.floor(random() * 3));
      if (point === "any moment") await killAtAnyMoment(child, random);
      if ((await child.ended) !== null) continue;
      killed[point]++;
      done++;
      progress?.(done);
    }
    // No more faults. The watches of the last groups end an hour after their last deaths.
    for (let round = 0; round < 5; round++, ahead += ROUND_MS)
      if ((await start().ended) !== 0) throw new Error("A process failed that nothing has killed.");
    return { killed, ...(await audit(queue, receiver.received, trial)) };
  } finally {
    await receiver.stop();
  }
}

/** The error of the jobs of a trial. Numbers are folded, so it has letters. */
function errorOf(trial: number): string {
  return `trial ${[...String(trial)].map((digit) => "abcdefghij"[Number(digit)]).join("")}`;
}

async function audit(
  queue: Queue,
  received: Awaited<ReturnType<typeof startReceiver>>["received"],
  trials: number,
): Promise<Omit<AlertFigures, "killed">> {
  const sent = received.map(({ headers, body }) => ({ id: headers["webhook-id"], body }));
  const messages = [...new Map(sent.map(({ id, body }) => [id, JSON.parse(body) as AlertMessage])).values()];
  const { failures } = await queue.getFailures({ limit: 1_000 });
  if (failures.length < trials) throw new Error(`Only ${failures.length} of ${trials} groups have arisen.`);
  const reported = (group: string, types: readonly string[]) =>
    messages.filter((message) => message.group === group && types.includes(message.type));
  const { pendingCount, runningCount } = await queue.getStats();
  return {
    groups: failures.length,
    requests: sent.length,
    repeated: sent.length - messages.length,
    unreported: failures.filter(({ group }) => reported(group, ["failures", "over"]).length === 0).length,
    unended: failures.filter(({ group }) => reported(group, ["over"]).length === 0).length,
    tooMany: failures.filter(({ group, firstAt, lastAt }) => {
      const hours = 1 + Math.ceil((lastAt.getTime() - firstAt.getTime()) / HOUR_MS);
      return reported(group, ["failures"]).length > hours;
    }).length,
    left: pendingCount + runningCount,
  };
}

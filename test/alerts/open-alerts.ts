import { type Alert, type WebhookOptions, webhook } from "../../src/alerts/index.ts";
import type { AlertMessage } from "../../src/alerts/message.ts";
import { type AnyJob, defineJob, Queue, type QueueOptions, type Store } from "../../src/index.ts";
import { testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import type { Receiver } from "./receiver.ts";

export const secret = `whsec_${Buffer.from("a key of at least 24 bytes").toString("base64")}`;

export const fails = defineJob({
  name: "fails",
  maxRetries: 0,
  perform({ error }: { error: string }) {
    throw new Error(error);
  },
});
export const works = defineJob({ name: "works", perform: () => {} });

/** A queue with alerts on a store, its clock, and what it logs. */
export function openAlerts(store: Store, alerts: readonly Alert[], options: Partial<QueueOptions> = {}) {
  const clock = testClock(start);
  const lines: string[] = [];
  const logger = { warn: (line: string) => lines.push(line), error: (line: string) => lines.push(line) };
  const jobs: readonly AnyJob[] = [fails, works];
  const open = (more: Partial<QueueOptions> = {}) =>
    new Queue({ store, jobs, alerts, clock, logger, ...options, ...more });
  const queue = open();
  /** Drains, and lets time pass. */
  const passes = async (by: `${number}${"s" | "m" | "h"}`) => {
    await clock.advance(by);
    await drainDry(queue);
  };
  return { clock, lines, queue, open, passes };
}

/** Drains until nothing is due. */
export async function drainDry(queue: Queue): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    const { claimed } = await queue.drain({
      concurrency: 100,
      maxJobs: 10_000,
      budget: { roundTrips: 10_000, commands: 1e6 },
    });
    quiet = claimed > 0 ? 0 : quiet + 1;
  }
}

/** A webhook to a receiver. */
export function webhookTo({ url }: Pick<Receiver, "url">, options: Partial<WebhookOptions> = {}): Alert {
  return webhook(`${url}/hidden-path`, { secret, ...options });
}

export function messages({ received }: Pick<Receiver, "received">): readonly AlertMessage[] {
  return received.map(({ body }) => JSON.parse(body) as AlertMessage);
}

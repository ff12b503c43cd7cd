import type { QueuePace } from "../core/manage/pace.ts";

/** What an alert says. `webhook` sends it as JSON. */
export interface AlertMessage {
  /**
   * `failures`: jobs of a group have died. `over`: for an hour, none has, or the queue is drained again, or grows no
   * longer. `silent`: nothing drains the queue. `growing`: more jobs become due than leave.
   */
  readonly type: "failures" | "over" | "silent" | "growing";
  /** The name of the queue. */
  readonly queue: string;
  /**
   * The group of failures, as `getFailures` names it; null if the message is about the queue as a whole. Failures
   * without a group: so many groups have failed within an hour that no more messages are sent for each.
   */
  readonly group: string | null;
  /** The name of the jobs; null without a group. */
  readonly name: string | null;
  /** Their error, as `getFailures` shows it; null without a group. Its message is null with `messages: false`. */
  readonly error: { readonly name: string; readonly message: string | null } | null;
  /** How many jobs of the group are dead; without a group, how many of the queue are dead. Silent or growing: ready. */
  readonly count: number;
  /** When the first of them died; without a group, since when the oldest is due. ISO 8601. */
  readonly firstAt: string | null;
  /** When the last of them died; if the queue is silent, when an attempt last ended, null if none did for an hour. */
  readonly lastAt: string | null;
  /** How many jobs arrive and leave, of a queue that grows, or grows no longer. */
  readonly pace?: QueuePace;
  /** Where the dashboard shows them; null without the option `dashboard`. */
  readonly url: string | null;
}

/** A message as jobs store it: without what the queue that sends it knows. */
export type StoredMessage = Omit<AlertMessage, "queue" | "url">;

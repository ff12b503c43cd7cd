/** What an alert says. `webhook` sends it as JSON. */
export interface AlertMessage {
  /**
   * `failures`: jobs of a group have died. `over`: for an hour, none has, or the queue is drained again. `silent`:
   * nothing drains the queue.
   */
  readonly type: "failures" | "over" | "silent";
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
  /** How many jobs of the group are dead; without a group, how many of the queue are dead, or ready if it is silent. */
  readonly count: number;
  /** When the first of them died; if the queue is silent, since when the oldest is due. ISO 8601. */
  readonly firstAt: string | null;
  /** When the last of them died; if the queue is silent, when an attempt last ended, null if none did for an hour. */
  readonly lastAt: string | null;
  /** Where the dashboard shows them; null without the option `dashboard`. */
  readonly url: string | null;
}

/** A message as jobs store it: without what the queue that sends it knows. */
export type StoredMessage = Omit<AlertMessage, "queue" | "url">;

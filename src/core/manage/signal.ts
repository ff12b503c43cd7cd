import type { QueueContext } from "../enqueue/context.ts";
import { LONGEST_ID } from "../job/options.ts";
import { eventName, LARGEST_STEP } from "../job/steps.ts";
import { type Duration, durationMs } from "../shared/duration.ts";
import { conflict, quote, tooLarge } from "../shared/errors.ts";
import { asJson } from "../shared/json.ts";
import { bytesOf } from "../shared/limits.ts";
import { described, duration, optionsOf, text } from "../shared/schema.ts";
import { writtenEvent } from "../store/signals.ts";

/** How a signal is sent. */
export interface SignalOptions {
  /**
   * An idempotency key: a second signal with the same id does nothing, for as long as `keep` and at least 10 minutes.
   */
  readonly id?: string | undefined;
  /** How long it is kept for the first job that will wait for it, if none waits now. Default "7d". "0s": not at all. */
  readonly keep?: Duration | undefined;
}

/** What a signal has done. */
export interface SignalResult {
  /** How many jobs waited for it, and are due now. */
  readonly woken: number;
  /** Whether none waited, and the signal is kept for the first one that will. */
  readonly kept: boolean;
}

export const signalOptions = optionsOf<SignalOptions>("signal", {
  id: described(text(LONGEST_ID, "msg-17"), "A second signal with this id does nothing."),
  keep: described(duration, 'How long it is kept if no job waits for it. Default "7d".'),
});

const LEAST_KNOWN_MS = 600_000;

export async function signal(
  { store, clock, newId, noteDue }: QueueContext,
  event: string,
  data: unknown,
  options: SignalOptions,
): Promise<SignalResult> {
  eventName.read(event, "the name of a signal");
  const { id, keep = "7d" } = signalOptions.read(options);
  const stored = asJson(data, "data") ?? null;
  if (bytesOf(JSON.stringify(stored)) > LARGEST_STEP)
    throw tooLarge(
      `The data of a signal is larger than ${LARGEST_STEP / 1024} KiB as JSON. Store it elsewhere and send its address.`,
    );
  const now = clock();
  const keepMs = durationMs(keep, "keep");
  const knownMs = Math.max(keepMs, LEAST_KNOWN_MS);
  // No id of a user begins with a space.
  const signalId = id === undefined ? ` ${newId()}` : `${writtenEvent(event)} ${id}`;
  const sent = JSON.stringify({ id: signalId, event, data: stored });
  const reply = await store.signal({ id: signalId, event: writtenEvent(event), text: sent, keepMs, knownMs }, now);
  if (reply.isRefused)
    throw conflict(
      `256 KiB of signals are kept for ${quote(event)} already, and no job waits for them. Nothing was kept. Let a job receive them, or send fewer.`,
    );
  if (reply.woken > 0) await noteDue(now);
  return { woken: reply.woken, kept: reply.isKept };
}

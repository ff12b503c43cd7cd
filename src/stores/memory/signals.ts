import { bytesOf } from "../../core/shared/limits.ts";
import { eventsIn, MOST_KEPT_BYTES, type NewSignal, type SignalReply } from "../../core/store/signals.ts";

interface Kept {
  readonly text: string;
  readonly endsAt: number;
}

/** Which jobs wait for which signals, and signals that came before anybody waited, as in lua/signal.lua. */
export class Signals {
  /** The jobs that wait, or have waited until their outcome, by event. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #kept = new Map<string, readonly Kept[]>();
  readonly #known = new Map<string, { readonly reply: SignalReply; readonly endsAt: number }>();

  /** A job begins to wait. @returns the text of a signal that was kept for it: then it does not wait. */
  begin(id: string, waits: string, now: number): string | undefined {
    for (const event of eventsIn(waits)) {
      const [first, ...rest] = this.#keptOf(event, now);
      if (first) {
        if (rest.length > 0) this.#kept.set(event, rest);
        else this.#kept.delete(event);
        return first.text;
      }
      const ids = this.#waiting.get(event) ?? new Set();
      this.#waiting.set(event, ids.add(id));
    }
    return undefined;
  }

  /** A job waits no longer. @param waits undefined if it never did. */
  end(id: string, waits: string | undefined): void {
    for (const event of waits === undefined ? [] : eventsIn(waits)) {
      const ids = this.#waiting.get(event);
      ids?.delete(id);
      if (ids?.size === 0) this.#waiting.delete(event);
    }
  }

  forget(id: string): void {
    for (const [event, ids] of this.#waiting) if (ids.delete(id) && ids.size === 0) this.#waiting.delete(event);
  }

  /** @param wake brings the signal to a job: false if that does not wait. */
  send({ id, event, text, keepMs, knownMs }: NewSignal, now: number, wake: (job: string) => boolean): SignalReply {
    const known = this.#known.get(id);
    if (known && known.endsAt > now) return known.reply;
    let woken = 0;
    for (const job of this.#waiting.get(event) ?? []) if (wake(job)) woken++;
    const isKept = woken === 0 && keepMs > 0;
    if (isKept) {
      const kept = [...this.#keptOf(event, now), { text, endsAt: now + keepMs }];
      if (bytesOf(kept.map((each) => each.text).join("")) > MOST_KEPT_BYTES)
        return { woken: 0, isKept: false, isRefused: true };
      this.#kept.set(event, kept);
    }
    const reply = { woken, isKept };
    this.#known.set(id, { reply, endsAt: now + knownMs });
    return reply;
  }

  #keptOf(event: string, now: number): readonly Kept[] {
    return (this.#kept.get(event) ?? []).filter(({ endsAt }) => endsAt > now);
  }
}

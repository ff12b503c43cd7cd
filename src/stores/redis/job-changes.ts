import { readCursor, writeCursor } from "../../core/store/cursor.ts";
import { leaseScore, waitingScore } from "../../core/store/score.ts";
import { eventNumber, MOST_KEPT_BYTES } from "../../core/store/signals.ts";
import { type LeaseRenewal, possibleLeases, type QueueStore, renewedLease } from "../../core/store/store.ts";
import type { Caller } from "./caller.ts";
import { escaped, flowPrefix, newFlowText } from "./flow.ts";
import * as scripts from "./scripts.generated.ts";

const CLEARED_AT_ONCE = 1_000;
/** Where `clear` continues if it has skipped nothing. */
const FROM_THE_START = "0";

export function jobChangeCalls(caller: Caller) {
  return {
    async signal({ id, event, text, keepMs, knownMs }, now) {
      const of = { signalId: id, event, eventNumber: eventNumber(decodeURIComponent(event)) };
      const limits = { keepMs, knownMs, mostBytes: MOST_KEPT_BYTES };
      const reply = await caller.run(scripts.signal, { now, ...of, text, ...limits });
      return reply.woken < 0 ? { woken: 0, isKept: false, isRefused: true } : reply;
    },
    async cancel(ids, now, mayRun = false) {
      if (ids.length === 0) return [];
      return caller.run(scripts.cancel, { now, mayRun, all: ids });
    },
    async reschedule(moves, now) {
      if (moves.length === 0) return [];
      return caller.run(scripts.reschedule, { now, moves });
    },
    change({ id, from, runAt, claims = from.claims, record, flow }) {
      const read = { readTime: from.at, readClaims: from.claims };
      return caller.run(scripts.change, {
        ...{ id, ...read, newScore: waitingScore(runAt, claims), record, prefix: flowPrefix(flow) },
      });
    },
    async rewrite(state, rewrites) {
      if (rewrites.length === 0) return [];
      const where = state === "dead" || state === "completed" ? state : "live";
      return caller.run(scripts.rewrite, { where, rewrites });
    },
    async clear(state, now, from = FROM_THE_START, most = CLEARED_AT_ONCE) {
      const last = from === FROM_THE_START ? undefined : readCursor(from);
      const seen = last && { lastScore: last.score, lastMember: last.id };
      const reply = await caller.run(scripts.clear, { state, now, piece: most, ...seen });
      const { cleared, more, lastScore = 0, lastMember } = reply;
      const next = lastMember === undefined ? FROM_THE_START : writeCursor({ score: lastScore, id: lastMember });
      return { cleared, next: more ? next : undefined };
    },
    async retryDead(retries, now) {
      if (retries.length === 0) return [];
      const list = retries.map(({ id, deadSince, runAt, claims, record, flow }) => ({
        ...{ id, deadSince, score: waitingScore(runAt, claims), record, flow: newFlowText(flow, true) },
      }));
      return caller.send(scripts.retryDead, (resend) => ({ resend, now, list }));
    },
    async removeDead(ids, now) {
      return ids.length === 0 ? 0 : caller.run(scripts.removeDead, { now, all: ids });
    },
    async extend(renewals) {
      const nonce = caller.newNonce();
      let sends = 0;
      const areDone = await caller.send(scripts.extend, () => {
        sends++;
        return { nonce, renewals: renewals.map((renewal) => renewalRow(renewal, sends)) };
      });
      const leases = renewals.map(({ lease, endsAt }) => renewedLease(lease, endsAt + sends - 1));
      return leases.map((lease, index) => (areDone[index] ? lease : null));
    },
  } satisfies Partial<QueueStore>;
}

/** @param sends how often the request was sent, this time included. */
function renewalRow({ lease, endsAt, record }: LeaseRenewal, sends: number) {
  const renewed = renewedLease(lease, endsAt + sends - 1);
  const others = possibleLeases(lease).slice(1).map(leaseScore);
  const ofSends = Array.from({ length: sends }, (_, send) => leaseScore(renewedLease(lease, endsAt + send)));
  return {
    id: lease.id,
    from: leaseScore(lease),
    others: [...others, ...ofSends].join(),
    to: leaseScore(renewed),
    record: record === undefined ? "" : flowPrefix(lease.flow) + record,
    key: lease.isOfRun && lease.flow && !renewed.isOfRun ? escaped(lease.flow.key) : "",
  };
}

import { expect, test } from "vitest";
import { Queue, type Store } from "../../src/index.ts";
import { createQStash } from "../../src/qstash/index.ts";
import { faultyStore } from "../../src/testing/index.ts";
import { wrapStore } from "../../src/testing/wrap-store.ts";
import { onMemoryAtLeast } from "../support/stores.ts";
import { type Delivery, qstashHandler, signingKeys, target, token, verify } from "./served-qstash.ts";

const callback = "https://app.test/callback";
const failureCallback = "https://app.test/failed";
const minute = 60_000;

const isCallback = ({ url }: Delivery) => url === callback || url === failureCallback;
const bodyOf = ({ body }: Delivery) => JSON.parse(body) as Record<string, unknown>;
const headers = { "Upstash-Callback": callback, "Upstash-Failure-Callback": failureCallback };

/**
 * Publishes messages with callbacks, through a store of which the given wrapper is in the way of all drains but the
 * last.
 */
async function setUp(
  store: Store,
  messages: number,
  parts: { readonly retries?: string; readonly status?: number } = {},
) {
  const { status = 500, retries = "0" } = parts;
  const destination = (delivery: Delivery) => new Response("", { status: isCallback(delivery) ? 200 : status });
  const handler = qstashHandler({ store, destination });
  const ids: string[] = [];
  for (let i = 0; i < messages; i++) {
    const answer = await handler.call("POST", `/v2/publish/${target}`, {
      headers: { ...headers, "Upstash-Retries": retries },
    });
    ids.push(((await answer.json()) as { messageId: string }).messageId);
  }
  const { queue, clock, qstash, deliveries } = handler;
  const through = (faulty: Store) => new Queue({ store: faulty, jobs: qstash.jobs, clock, logger: null });
  /** Drains until nothing is left, each time after all leases have run out. */
  const workOff = async (through: Queue = queue) => {
    for (let drains = 0; drains < 8; drains++) {
      await through.drain().catch(() => {});
      clock.now += 2 * minute;
    }
  };
  /** The ids of the callbacks that were delivered, by the message that they are of. */
  const reported = () =>
    ids.map((id) => {
      const own = deliveries.filter((each) => isCallback(each) && bodyOf(each)["sourceMessageId"] === id);
      return [...new Set(own.map((each) => each.headers.get("upstash-message-id")))].sort();
    });
  return { ...handler, ids, through, workOff, reported };
}

/** What goes wrong with the k-th call of a store that changes something, and with all that follow it. */
const trials = ["killed before", "killed after", "request lost", "reply lost", "doubled"] as const;

function spoilt(
  store: Store,
  trial: (typeof trials)[number],
  k: number,
): { readonly store: Store; readonly calls: () => number } {
  let calls = 0;
  const changing = new Set(["enqueue", "settle", "exchange", "extend"]);
  if (trial === "doubled") {
    const doubled = wrapStore(store, async ({ method }, run) => {
      const isIt = changing.has(method) && ++calls === k;
      if (isIt) await run();
      return run();
    });
    return { store: doubled, calls: () => calls };
  }
  const faulty = faultyStore(store, ({ method }) => {
    const isIt = changing.has(method) && ++calls === k;
    if (trial.startsWith("killed") && calls > k) return "before";
    if (!isIt) return undefined;
    return trial === "killed after" || trial === "reply lost" ? "after" : "before";
  });
  return { store: faulty, calls: () => calls };
}

onMemoryAtLeast(({ create }) => {
  test.each(trials)(
    "no message and no callback is lost, none has two ids, and all are signed, whichever call of the store is %s",
    async (trial) => {
      let met = 0;
      for (let k = 1, isMet = true; isMet && k < 30; k++) {
        const store = create();
        const { through, workOff, reported, ids, deliveries } = await setUp(store, 3, { retries: "1" });
        const { store: bad, calls } = spoilt(store, trial, k);
        await workOff(through(bad));
        isMet = calls() >= k;
        await workOff();
        expect(reported(), `call ${k}`).toEqual(
          ids.map(() => [expect.stringMatching(/:callback/), expect.stringMatching(/:failure-callback/)]),
        );
        for (const id of ids)
          expect(deliveries.some((each) => each.headers.get("upstash-message-id") === id)).toBe(true);
        for (const delivery of deliveries) expect(await verify(delivery)).toBe(true);
        if (isMet) met++;
      }
      expect(met).toBeGreaterThan(3);
    },
  );

  test("a message whose last attempt was killed with its invocation is reported with the status 0", async () => {
    const store = create();
    const { through, workOff, reported, deliveries, queue } = await setUp(store, 1);
    // It is claimed, and its outcome never arrives.
    const killed = faultyStore(store, ({ method }) => (method === "settle" ? "before" : undefined));
    let claims = 0;
    const dying = wrapStore(killed, async ({ method }, run) => {
      if (method === "exchange" && ++claims > 1) throw new Error("killed");
      return run();
    });
    await through(dying)
      .drain()
      .catch(() => {});
    expect(deliveries.filter(isCallback)).toEqual([]);
    await workOff();
    expect(reported()[0]).toHaveLength(2);
    expect(bodyOf(deliveries.filter(isCallback)[0] as Delivery)).toMatchObject({ status: 0, body: "", retried: 0 });
    expect((await queue.listDeadLetter()).jobs).toMatchObject([{ error: { name: "LeaseExpired" } }]);
  });

  test("a message whose target is no longer listed is reported, if its callback's is", async () => {
    const store = create();
    const { clock, deliveries } = await setUp(store, 1);
    const sent: string[] = [];
    const narrower = createQStash({
      ...{ tokens: [token], signingKeys, targets: [callback, failureCallback] },
      fetch: async (url) => {
        sent.push(String(url));
        return new Response("");
      },
    });
    const queue = new Queue({ store, jobs: narrower.jobs, clock, logger: null });
    for (const _ of [1, 2, 3]) await queue.drain();
    expect(deliveries).toEqual([]);
    expect(sent.sort()).toEqual([callback, failureCallback]);
    expect((await queue.listDeadLetter()).jobs).toHaveLength(1);
  });

  test("a cancelled message is not reported", async () => {
    const { queue, ids, workOff, deliveries } = await setUp(create(), 1);
    await queue.cancel(ids[0] ?? "");
    await workOff();
    expect(deliveries).toEqual([]);
  });

  test("a message with 3 MB and two callbacks is reported without its body", async () => {
    const { call, queue, deliveries } = await setUp(create(), 0);
    const body = "x".repeat(3_000_000);
    await call("POST", `/v2/publish/${target}`, { body, headers: { ...headers, "Upstash-Retries": "0" } });
    for (const _ of [1, 2, 3]) await queue.drain();
    expect(deliveries.filter(isCallback).map((each) => bodyOf(each)["sourceBody"])).toEqual(["", ""]);
  });
});

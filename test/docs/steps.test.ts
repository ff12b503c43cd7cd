import { createHmac } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { outbox, table } from "../../examples/guide/services.ts";
import { research } from "../../examples/guide/steps/agent.ts";
import { followUp, replied } from "../../examples/guide/steps/follow-up.ts";
import { importCustomers } from "../../examples/guide/steps/import.ts";
import { fulfil, payments } from "../../examples/guide/steps/order.ts";
import { quote } from "../../examples/guide/steps/quote.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { drainAll, testClock } from "../../src/testing/index.ts";
import { start } from "../support/clock.ts";
import { stepServices } from "../support/step-services.ts";

const day = 86_400_000;

/** A queue of the page's jobs, whose clock is moved, and the services that they call. */
function setUp() {
  const clock = testClock(start);
  const services = stepServices();
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => services.fetch(new Request(url, init)));
  vi.spyOn(Date, "now").mockImplementation(clock);
  const jobs = [followUp, fulfil, quote, research, importCustomers];
  const queue = new Queue({ store: memoryStore(), jobs, clock, logger: null });
  return { clock, services, queue };
}

beforeEach(() => {
  outbox.length = 0;
  table.clear();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("the guide on steps", () => {
  test("the first example asks after three days, and thanks for the reply", async () => {
    const { clock, services, queue } = setUp();
    const { id } = await queue.enqueue(followUp, { user: 42, email: "ada@example.com" });
    await queue.drain();
    expect(outbox).toEqual([]);
    await clock.advance("3d");
    await queue.drain();
    expect(outbox).toEqual([{ to: "ada@example.com", subject: "note 1", key: `${id}/ask` }]);
    expect((await queue.getJob(id))?.waitingFor?.events).toEqual(["reply-42"]);
    const signal = () => replied(queue, 42, { text: "Gladly", messageId: "msg-1" });
    expect([await signal(), await signal()]).toEqual(Array(2).fill({ woken: 1, kept: false }));
    await queue.drain();
    expect(outbox.map(({ subject }) => subject)).toEqual(["note 1", "Thank you"]);
    expect(services.calls).toHaveLength(1);
    expect((await queue.getJob(id))?.result).toBe("Gladly");
  });
});

test("carriers are asked in parallel, and the lowest price counts", async () => {
  const { services, queue } = setUp();
  const { id } = await queue.enqueue(quote, { route: "Rome" });
  await queue.drain();
  expect((await queue.getJob(id))?.result).toBe(10);
  expect(services.calls.map(({ key }) => key)).toEqual(["north", "south", "west"].map((name) => `${id}/ask-${name}`));
});

describe("an order that waits for a payment", () => {
  const secret = "the-payment-secret";
  const order = { order: "17", sku: "tea" };

  /** Calls the webhook, as the payment service does. */
  async function pay(queue: Queue, signedWith = secret) {
    const body = JSON.stringify({ id: "pay-1", order: "17" });
    const signature = createHmac("sha256", signedWith).update(body).digest("hex");
    const headers = { "X-Signature-256": `sha256=${signature}` };
    const response = await payments(queue, secret).request("/webhooks/payments", { method: "POST", body, headers });
    return response.status;
  }

  const servicesOf = ({ calls }: ReturnType<typeof stepServices>) => calls.map(({ service }) => service);

  test("ships once it is paid, however often the webhook is called", async () => {
    const { clock, services, queue } = setUp();
    const { id } = await queue.enqueue(fulfil, order, { id: "order-17" });
    await queue.drain();
    await clock.advance("2d");
    expect([await pay(queue, "another secret"), await pay(queue), await pay(queue)]).toEqual([401, 204, 204]);
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({ result: { state: "shipped", parcel: "parcel of 17" } });
    expect(services.calls.map(({ key }) => key)).toEqual(["order-17/reserve", "order-17/ship"]);
    // The second call of the webhook has paid for nothing else.
    const other = await queue.enqueue(fulfil, order);
    await queue.drain();
    expect((await queue.getJob(other.id))?.waitingFor?.events).toEqual(["paid-17"]);
  });

  test("a payment that comes before the order waits for it is kept", async () => {
    const { queue } = setUp();
    expect(await pay(queue)).toBe(204);
    const { id } = await queue.enqueue(fulfil, order);
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({ result: { state: "shipped" } });
  });

  test("without a payment, it releases what it has reserved", async () => {
    const { clock, services, queue } = setUp();
    const { id } = await queue.enqueue(fulfil, order);
    await queue.drain();
    await clock.advance("3d");
    await queue.drain();
    expect(servicesOf(services)).toEqual(["warehouse/reservations", "warehouse/releases"]);
    await clock.advance("30d");
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({ result: { state: "cancelled" } });
    expect(services.calls).toHaveLength(2);
  });

  test("a payment that comes after the release is returned", async () => {
    const { clock, services, queue } = setUp();
    const { id } = await queue.enqueue(fulfil, order);
    await queue.drain();
    await clock.advance("3d");
    await queue.drain();
    await clock.advance("2d");
    await pay(queue);
    await queue.drain();
    expect(await queue.getJob(id)).toMatchObject({ result: { state: "cancelled" } });
    expect(services.calls.at(-1)).toMatchObject({ service: "payments/refunds", body: { payment: "pay-1" } });
  });

  test("if it cannot be shipped, the payment is refunded and nothing stays reserved", async () => {
    const { clock, services, queue } = setUp();
    services.breakWarehouse();
    const { id } = await queue.enqueue(fulfil, order);
    await queue.drain();
    await pay(queue);
    await drainAll(queue, { clock, until: start + day });
    expect(await queue.getJob(id)).toMatchObject({
      result: {
        state: "refunded",
        why: 'The step "ship" has failed. Error: The warehouse/shipments responded with status 503.',
      },
    });
    expect(servicesOf(services)).toEqual([
      "warehouse/reservations",
      ...Array(6).fill("warehouse/shipments"),
      "payments/refunds",
      "warehouse/releases",
    ]);
    expect(new Set(services.keysOf("warehouse/shipments")).size).toBe(1);
  });
});

describe("an agent that calls a model twenty times", () => {
  test("makes each turn once, and waits as long as the model asks for", async () => {
    const { clock, services, queue } = setUp();
    const { id } = await queue.enqueue(research, { question: "Why is the sky blue?" });
    await drainAll(queue, { clock, until: start + day });
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: "note 20" });
    expect(services.keysOf("model")).toEqual(Array.from({ length: 20 }, (_, index) => `${id}/turn-${index + 1}`));
    expect(services.calls.at(-1)?.body["notes"]).toHaveLength(19);
    expect((await queue.getStats()).totalRetried).toBe(6);
    expect(Number((await queue.getJob(id))?.startedAt) - start).toBeLessThan(10_000);
  });

  test("after an hour, it returns what it has", async () => {
    const { clock, services, queue } = setUp();
    const { id } = await queue.enqueue(research, { question: "Why?" });
    await clock.advance("61m");
    await drainAll(queue, { clock, until: start + day });
    expect(await queue.getJob(id)).toMatchObject({ state: "completed", result: "note 1" });
    expect(services.calls).toHaveLength(1);
  });
});

describe("an import in pages", () => {
  test("goes on across drains that end, reads each page once, and shows how far it is", async () => {
    const { services, queue } = setUp();
    const { id } = await queue.enqueue(importCustomers, { list: "may" });
    const seen: unknown[] = [];
    for (;;) {
      await queue.drain({ budget: { roundTrips: 8, commands: 500 } });
      const job = await queue.getJob(id);
      if (job?.state === "completed") break;
      seen.push(job?.progress);
    }
    expect(seen.length).toBeGreaterThan(1);
    expect(seen[0]).toEqual({ done: expect.any(Number), of: 25 });
    expect(services.keysOf("customers")).toEqual(Array.from({ length: 13 }, (_, index) => `${id}/page-${index + 1}`));
    expect(table.size).toBe(25);
    expect((await queue.getJob(id))?.result).toEqual({ imported: 25 });
  });
});

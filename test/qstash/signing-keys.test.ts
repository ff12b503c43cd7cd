import { expect, test } from "vitest";
import { onMemoryAtLeast } from "../support/stores.ts";
import { servedQStash, signingKeys, target, token, verify } from "./served-qstash.ts";

onMemoryAtLeast(({ create }) => {
  const keysOf = async (baseUrl: string, method = "GET", path = "keys") => {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(`${baseUrl}/v2/${path}`, { method, headers });
    return (await answer.json()) as { current: string; next: string };
  };

  test("rotated signing keys go before those given, also in another process, and sign deliveries", async () => {
    const store = create();
    const { client, queue, clock, deliveries, baseUrl } = await servedQStash({ store });
    expect(await keysOf(baseUrl)).toEqual(signingKeys);
    await client.publish({ url: target });
    await queue.drain();
    const rotated = await keysOf(baseUrl, "POST", "keys/rotate");
    expect(rotated.current).toBe(signingKeys.next);
    expect(rotated.next).not.toBe(signingKeys.next);
    const other = await servedQStash({ store, startsAt: clock.now + 60_000 });
    expect(await keysOf(other.baseUrl)).toEqual(rotated);
    await other.client.publish({ url: target });
    await other.queue.drain();
    // A receiver that has the keys from before accepts both.
    for (const delivery of [...deliveries, ...other.deliveries]) expect(await verify(delivery)).toBe(true);
    expect(other.deliveries[0] && (await verify(other.deliveries[0], rotated))).toBe(true);
  });

  test("an isolate signs with the new key a minute after a rotation elsewhere", async () => {
    const store = create();
    const one = await servedQStash({ store });
    const other = await servedQStash({ store });
    await one.client.publish({ url: target });
    await one.queue.drain();
    const once = await keysOf(other.baseUrl, "POST", "keys/rotate");
    one.clock.now += 60_000;
    await one.client.publish({ url: target });
    await one.queue.drain();
    expect(one.deliveries[1] && (await verify(one.deliveries[1], { current: once.current, next: once.current }))).toBe(
      true,
    );
  });

  test("rotations at the same time each make one of the keys", async () => {
    const { baseUrl } = await servedQStash({ store: create() });
    const rotated = await Promise.all([1, 2, 3].map(() => keysOf(baseUrl, "POST", "keys/rotate")));
    const nexts = rotated.map(({ next }) => next);
    expect(new Set(nexts).size).toBe(3);
    expect(nexts).toContain((await keysOf(baseUrl)).next);
  });
});

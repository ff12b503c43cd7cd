import { expect, test } from "vitest";
import { encrypted, rekeyAll, rotating } from "../../examples/guide/encryption.ts";
import { memoryStore, Queue } from "../../src/index.ts";
import { testKeys } from "../support/stores.ts";

test("a key is rotated as the page says, and the old one can go", async () => {
  const store = memoryStore();
  const payload = { to: "ada@example.com", subject: "Hello" };
  const { id } = await encrypted(store, { QUEUE_KEY_1: testKeys.k1 }).enqueue("send_email", payload, { delay: "1h" });
  const queue = rotating(store, { QUEUE_KEY_1: testKeys.k1, QUEUE_KEY_2: testKeys.k2 });
  expect(await queue.getJob(id)).toMatchObject({ payload });
  expect(await rekeyAll(queue)).toBe(1);
  expect(await rekeyAll(queue)).toBe(0);
  const afterwards = new Queue({ store, encryption: { current: "k2", keys: { k2: testKeys.k2 } } });
  expect(await afterwards.getJob(id)).toMatchObject({ payload });
  expect(await new Queue({ store }).getJob(id)).toMatchObject({ payload: { encrypted: "k2" }, encrypted: "k2" });
});

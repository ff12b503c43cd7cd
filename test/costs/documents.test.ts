import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { Queue } from "../../src/index.ts";
import { Documents } from "../../src/qstash/shared/documents.ts";
import { clockByHand, start } from "../support/clock.ts";
import { countCommands } from "../support/command-stats.ts";
import { useRedis } from "../support/stores.ts";

describe("billed commands of documents", () => {
  const redis = useRedis();
  const count = async (action: () => Promise<unknown>) => (await countCommands(redis.server.port, action)).commands;
  const texts = (count: number, ttl?: "1m") =>
    Array.from({ length: count }, (_, index) => ({ kind: "notes", name: `n${index}`, value: "text", ttl }));

  async function setUp() {
    const clock = clockByHand(start);
    const documents = new Documents(internalsOf(new Queue({ store: redis.store(), clock })));
    // Loads the scripts.
    await documents.change([{ kind: "other", name: "a", value: "text" }]);
    await documents.list("other");
    return { clock, documents };
  }

  test("reading one costs 1, a page of 20 costs 3, and one of 100 costs 4", async () => {
    const { documents } = await setUp();
    await documents.change(texts(100));
    expect(await count(() => documents.get("notes", "n1"))).toBe(1);
    expect(await count(() => documents.list("notes", { limit: 20 }))).toBe(3);
    expect(await count(() => documents.list("notes"))).toBe(4);
  });

  test.each([1, 100])("storing %i costs 3, in place of what was read 4, and removing them 4 at most", async (many) => {
    const { documents } = await setUp();
    expect(await count(() => documents.change(texts(many)))).toBe(3);
    const read = await documents.list("notes");
    const edits = read.items.map((from) => ({ kind: "notes", name: from.name, value: "new", from }));
    expect(await count(() => documents.change(edits))).toBe(4);
    const { items } = await documents.list("notes");
    const removed = items.map((from) => ({ kind: "notes", name: from.name, value: undefined, from }));
    expect(await count(() => documents.change(removed))).toBe(4);
  });

  test("those that expire cost 2 more, and 4 more if something has expired", async () => {
    const { clock, documents } = await setUp();
    expect(await count(() => documents.change(texts(100, "1m")))).toBe(5);
    clock.now += 120_000;
    expect(await count(() => documents.change([{ kind: "other", name: "b", value: "text", ttl: "1m" }]))).toBe(9);
    expect(await count(() => documents.change([{ kind: "other", name: "b", value: "text", ttl: "1m" }]))).toBe(5);
  });
});

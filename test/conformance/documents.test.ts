import { describe, expect, test } from "vitest";
import { internalsOf } from "../../src/core/queue/internals.ts";
import { Documents } from "../../src/qstash/shared/documents.ts";
import { start as now } from "../support/clock.ts";
import { onEachKindOfStore } from "../support/stores.ts";
import { openQueue } from "./open-queue.ts";

const minute = 60_000;

onEachKindOfStore((kind) => {
  const setUp = () => {
    const { clock, store, queue } = openQueue(kind);
    return { clock, store, queue, documents: new Documents(internalsOf(queue)) };
  };

  test("a document is found by its kind and name, even by another queue object on the store", async () => {
    const { documents, store } = setUp();
    expect(await documents.change([{ kind: "notes", name: "a b/ö", value: "value:1" }])).toBe(true);
    const other = new Documents(internalsOf(openQueue({ ...kind, create: () => store }).queue));
    expect(await other.get("notes", "a b/ö")).toMatchObject({ name: "a b/ö", value: "value:1" });
    expect(await other.get("note", "s:a b/ö")).toBeUndefined();
    expect(await other.get("notes", "a")).toBeUndefined();
  });

  test("a change of a document that has changed since it was read is refused, and so are all changes of the same call", async () => {
    const { documents } = setUp();
    await documents.change([{ kind: "notes", name: "a", value: "1" }]);
    const from = await documents.get("notes", "a");
    expect(await documents.change([{ kind: "notes", name: "a", value: "2", from }])).toBe(true);
    const late = [
      { kind: "notes", name: "b", value: "3", from: null },
      { kind: "notes", name: "a", value: "3", from },
    ];
    expect(await documents.change(late)).toBe(false);
    expect(await documents.change([{ kind: "notes", name: "a", value: "3", from: null }])).toBe(false);
    expect(await documents.change([{ kind: "notes", name: "a", value: undefined, from }])).toBe(false);
    expect(await documents.get("notes", "a")).toMatchObject({ value: "2" });
    expect(await documents.get("notes", "b")).toBeUndefined();
  });

  test("a document that was removed and stored again counts as changed", async () => {
    const { documents } = setUp();
    await documents.change([{ kind: "notes", name: "a", value: "1" }]);
    const from = await documents.get("notes", "a");
    await documents.change([{ kind: "notes", name: "a", value: undefined }]);
    await documents.change([{ kind: "notes", name: "a", value: "1" }]);
    expect(await documents.change([{ kind: "notes", name: "a", value: "2", from }])).toBe(false);
  });

  test("racing updates of one document lose none", async () => {
    const { documents } = setUp();
    const add = (letter: string) => documents.update<string>("notes", "a", (text = "") => ({ value: text + letter }));
    await Promise.all([..."abcdefgh"].map(add));
    const { value = "" } = (await documents.get<string>("notes", "a")) ?? {};
    expect([...value].sort().join("")).toBe("abcdefgh");
  });

  test("a resent change recognises its own work, even if the document is already gone", async () => {
    const { store } = setUp();
    const queue = store.open("default");
    const made = { kind: "notes", name: "a", text: "1", mark: "m1", from: null };
    for (const _ of [1, 2]) expect(await queue.changeDocuments([made], now)).toBe(true);
    expect(await queue.changeDocuments([{ ...made, mark: "m2" }], now)).toBe(false);
    const removed = { kind: "notes", name: "a", text: undefined, mark: "m3", from: "m1" };
    for (const _ of [1, 2]) expect(await queue.changeDocuments([removed], now)).toBe(true);
    expect(await queue.findDocument("notes", "a", now)).toBeUndefined();
  });

  describe("an expiring document", () => {
    test("is gone for reads, lists and changes once it has expired", async () => {
      const { clock, documents } = setUp();
      await documents.change([
        { kind: "notes", name: "a", value: "1", ttl: "1m" },
        { kind: "notes", name: "b", value: "1" },
      ]);
      await clock.advance(minute - 1);
      expect((await documents.list("notes")).items).toHaveLength(2);
      await clock.advance(1);
      expect(await documents.get("notes", "a")).toBeUndefined();
      expect((await documents.list("notes")).items.map(({ name }) => name)).toEqual(["b"]);
      expect(await documents.change([{ kind: "notes", name: "a", value: "2", from: null }])).toBe(true);
    });

    test("stays if it was stored again for longer, or without expiry", async () => {
      const { clock, documents } = setUp();
      const names = ["longer", "for good"];
      await documents.change(names.map((name) => ({ kind: "notes", name, value: "1", ttl: "1m" as const })));
      await documents.change([{ kind: "notes", name: "for good", value: "2" }]);
      await documents.change([{ kind: "notes", name: "longer", value: "2", ttl: "5m" }]);
      await clock.advance("2m");
      await documents.change([{ kind: "notes", name: "other", value: "1", ttl: "1m" }]);
      for (const name of names) expect(await documents.get("notes", name), name).toMatchObject({ value: "2" });
      // In the very call in which the first time has passed.
      await documents.change([{ kind: "notes", name: "again", value: "1", ttl: "1m" }]);
      await clock.advance("2m");
      await documents.change([{ kind: "notes", name: "again", value: "2", ttl: "10m" }]);
      await clock.advance("4m");
      await documents.change([{ kind: "notes", name: "other", value: "1", ttl: "1m" }]);
      expect(await documents.get("notes", "again")).toMatchObject({ value: "2" });
      await clock.advance("7m");
      expect((await documents.list("notes")).items.map(({ name }) => name)).toEqual(["for good"]);
    });
  });

  describe("a list", () => {
    test("has one kind, in the order of names, from either end, page by page", async () => {
      const { documents } = setUp();
      const names = ["a", "a:1", "aa", "b", "é"];
      await documents.change(names.map((name) => ({ kind: "notes", name, value: name })));
      await documents.change([{ kind: "notes2", name: "a", value: "other" }]);
      const all = async (isReversed: boolean, prefix?: string) => {
        const read: string[] = [];
        for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
          const page = await documents.list("notes", { limit: 2, isReversed, prefix, cursor });
          read.push(...page.items.map(({ name }) => name));
          cursor = page.cursor;
        }
        return read;
      };
      expect(await all(false)).toEqual(names);
      expect(await all(true)).toEqual([...names].reverse());
      expect(await all(false, "a")).toEqual(["a", "a:1", "aa"]);
      expect(await all(true, "a")).toEqual(["aa", "a:1", "a"]);
      expect(await all(true, "c")).toEqual([]);
    });

    test("has pages of at most 3 MiB", async () => {
      const { documents } = setUp();
      const text = "x".repeat(1_000_000);
      for (const name of ["a", "b", "c", "d", "e"]) await documents.change([{ kind: "notes", name, value: text }]);
      const { items, cursor } = await documents.list("notes");
      const first = kind.isEncrypted ? ["a", "b"] : ["a", "b", "c"];
      expect(items.map(({ name }) => name)).toEqual(first);
      const rest = (await documents.list("notes", { cursor })).items.map(({ name }) => name);
      expect([...first, ...rest].slice(0, 4)).toEqual(["a", "b", "c", "d"]);
    });
  });

  test("a text of more than 1 MiB, and more than 4 MiB together, are refused", async () => {
    const { documents } = setUp();
    const text = "é".repeat(600_000);
    await expect(documents.change([{ kind: "notes", name: "a", value: text }])).rejects.toMatchObject({
      code: "payload_too_large",
    });
    const many = [..."abcde"].map((name) => ({ kind: "notes", name, value: "x".repeat(1_000_000) }));
    await expect(documents.change(many)).rejects.toThrow("4 MiB");
    expect((await documents.list("notes")).items).toEqual([]);
  });
});

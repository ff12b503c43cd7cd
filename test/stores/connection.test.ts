import { describe, expect, test } from "vitest";
import { DrainBudget } from "../../src/core/drain/budget.ts";
import { Connection, type Transport } from "../../src/stores/redis/connection.ts";
import { keysOf } from "../../src/stores/redis/keys.ts";

const silent = {
  lockingAddress: undefined,
  keepsOrder: true,
  words: { access: "", lost: "" },
  sendMany: async () => [],
};

/** A connection whose first sends fail. @param random the source of jitter. */
function failing(failures: number, message: string, random = 0.5) {
  const pauses: number[] = [];
  let sends = 0;
  const send = async () => {
    sends++;
    if (sends <= failures) throw new Error(message);
    return "PONG";
  };
  const transport: Transport = { ...silent, send };
  const pause = async (ms: number) => void pauses.push(ms);
  const connection = new Connection(transport, pause, () => random);
  return { connection, pauses, sends: () => sends };
}

describe("between the sends of a request", () => {
  test("the connection pauses, ten times as long before the third send as before the second", async () => {
    const { connection, pauses } = failing(2, "fetch failed");
    expect(await connection.plain([["PING"]], undefined)).toEqual(["PONG"]);
    expect(pauses).toEqual([50, 500]);
  });

  test("the pauses vary by a quarter, so that clients do not return all at once", async () => {
    const [early, late] = [failing(2, "fetch failed", 0), failing(2, "fetch failed", 1)];
    await early.connection.plain([["PING"]], undefined);
    await late.connection.plain([["PING"]], undefined);
    expect([early.pauses, late.pauses]).toEqual([
      [37.5, 375],
      [62.5, 625],
    ]);
  });

  test("the pauses last no longer than the time left, and later sends follow at once", async () => {
    const { connection, pauses, sends } = failing(3, "fetch failed");
    const script = { body: [] };
    const keys = keysOf("tidegate", "default");
    const run = connection.run(script, keys, () => [], undefined, 120);
    await expect(run).rejects.toMatchObject({ code: "store_unavailable" });
    expect([pauses, sends()]).toEqual([[50, 70], 3]);
  });

  test("there is no pause before a refusal is passed on", async () => {
    const { connection, pauses, sends } = failing(1, "ERR max requests limit exceeded");
    await expect(connection.plain([["PING"]], undefined)).rejects.toMatchObject({ code: "store_unavailable" });
    expect([pauses, sends()]).toEqual([[], 1]);
  });
});

test("requests that run side by side keep room for the script, which Redis may not have", async () => {
  const sent: string[] = [];
  const send = async ([name = ""]: readonly string[]) => {
    sent.push(name);
    if (name === "EVALSHA") throw new Error("NOSCRIPT No matching script.");
    return [1, "done"];
  };
  const connection = new Connection({ ...silent, send });
  const script = { body: [] };
  const budget = new DrainBudget({ roundTrips: 3, commands: 1_000 });
  const run = () => connection.run(script, keysOf("tidegate", "default"), () => [], budget);
  expect(await Promise.all([run(), run()])).toEqual(["done", "done"]);
  expect(sent).toEqual(["EVALSHA", "EVAL", "EVAL"]);
  expect(budget).toMatchObject({ roundTrips: 3, commands: 3 });
});

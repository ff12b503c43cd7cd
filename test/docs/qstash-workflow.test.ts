import { expect, test } from "vitest";
import orders, { order, shipped } from "../../examples/guide/qstash-workflow/app.ts";
import { type Delivery, servedQStash, signingKeys, token } from "../qstash/served-qstash.ts";

test("the workflow of the guide runs to its end", async () => {
  const calls: Delivery[] = [];
  const env: Record<string, string> = { QSTASH_TOKEN: token };
  const destination = async (delivery: Delivery) => {
    const { url, method, headers, body } = delivery;
    if (url.startsWith("https://app.example.com/"))
      return orders.fetch(new Request(url, { method, headers, body }), env);
    calls.push(delivery);
    return Response.json({}, { status: 201 });
  };
  const targets = ["https://app.example.com/*", "https://pay.example.com/charges"];
  // Receivers compare the signature with the time of their machine.
  const startsAt = Date.now() - 3_600_000;
  const { baseUrl, queue, clock, call } = await servedQStash({ destination, startsAt, qstash: { targets } });
  env["QSTASH_URL"] = baseUrl;
  await order(baseUrl, token, { id: "o-1", email: "ada@example.com" });
  await queue.drain();
  clock.now += 3_600_000;
  Object.assign(env, {
    QSTASH_CURRENT_SIGNING_KEY: signingKeys.current,
    QSTASH_NEXT_SIGNING_KEY: signingKeys.next,
  });
  await queue.drain();
  await shipped(baseUrl, token, "o-1");
  await queue.drain();
  expect(calls.map(({ url, body }) => [url, body])).toEqual([
    ["https://pay.example.com/charges", JSON.stringify({ id: "o-1", total: 30 })],
  ]);
  const { runs } = (await (await call("GET", "/v2/workflows/logs?workflowRunId=wfr_o-1")).json()) as {
    runs: unknown[];
  };
  expect(runs).toMatchObject([{ workflowState: "RUN_SUCCESS", workflowRunResponse: '{"charged":true}' }]);
});

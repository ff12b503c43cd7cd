import { expect, onTestFinished, test, vi } from "vitest";
import { fetchWithTimeout } from "../../src/cli/connect.ts";
import { QueueClient } from "../../src/client/index.ts";

/** A handler that never answers, called with timeouts that expire at once. */
function silent() {
  const timeouts: number[] = [];
  const timeout = vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    timeouts.push(ms);
    return AbortSignal.abort(new DOMException("It took too long.", "TimeoutError"));
  });
  onTestFinished(() => timeout.mockRestore());
  const fetch = fetchWithTimeout({
    fetch: ({ signal }) =>
      new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason);
      }),
  });
  return { timeouts, client: new QueueClient({ url: "https://queue.test/queue", fetch }) };
}

test("a request times out after 30 s, and the error says so, and of a read not that it may have worked", async () => {
  const { timeouts, client } = silent();
  await expect(client.getStats()).rejects.toMatchObject({
    code: "store_unavailable",
    message: "The handler at queue.test:443 did not respond within 30 s. Check --url and the network.",
  });
  expect(timeouts).toEqual([30_000]);
});

test("a drain may take as long as any platform allows", async () => {
  const { timeouts, client } = silent();
  await expect(client.drain()).rejects.toMatchObject({ code: "store_unavailable" });
  expect(timeouts).toEqual([960_000]);
});

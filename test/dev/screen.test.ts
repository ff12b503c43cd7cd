import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { serveFetch } from "../../src/dev/http-server.ts";
import { createHandler } from "../../src/http/handler.ts";
import { defineJob, Queue } from "../../src/index.ts";
import { upstashStore } from "../../src/stores/redis-http/index.ts";
import { tidegate } from "../cli/run-cli.ts";
import { afterwards, newPlace } from "./running-dev.ts";

const sendEmail = defineJob({
  name: "send_email",
  perform({ to }: { to: string }) {
    if (!to.includes("@")) throw new Error("no such mailbox");
  },
});

/** What is the same in every run. */
function constant(screen: string): string {
  return screen
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replaceAll(/localhost:\d+/g, "localhost:PORT")
    .replaceAll(/(?<=(TOKEN|KEY)=)\S+/g, "SECRET")
    .replaceAll(/kill \d+/g, "kill PID")
    .replaceAll(/\d\d:\d\d:\d\d/g, "TIME")
    .replaceAll(/(?<=send_email +)[0-9a-f]{8}/g, "ID")
    .replaceAll(/ +\d+(\.\d+)? ?m?s\b/g, " AMOUNT")
    .replaceAll(/redis-server [\d.]+/g, "redis-server VERSION")
    .replaceAll(/again in [^:]*/g, "again SOON");
}

test("the screen of tidegate dev is as the guide shows it", async () => {
  const { directory, ports } = await newPlace();
  let begin = (_queue: Queue) => {};
  const begun = new Promise<Queue>((resolve) => {
    begin = resolve;
  });
  const app = await serveFetch(async (request) => {
    const { fetch } = createHandler({ queue: await begun, auth: "none" });
    return fetch(new Request(request.url.replace("/api/queue", ""), request));
  });
  afterwards(() => app.stop());
  const stop = new AbortController();
  let written = "";
  let look = () => {};
  const shows = async (text: string) => {
    while (!stripVTControlCharacters(written).includes(text)) {
      await new Promise<void>((resolve) => {
        look = resolve;
      });
    }
  };
  const dev = tidegate(
    ["dev", ...ports, "--write", ".env.local", "--drain", `http://localhost:${app.port}/api/queue/drain`],
    {
      cwd: directory,
      env: { PATH: process.env["PATH"] ?? "" },
      isTerminal: true,
      interruption: stop.signal,
      onWrite(text) {
        written += text;
        look();
      },
    },
  );
  afterwards(async () => {
    stop.abort();
    await dev;
  });
  await shows("Attempts follow.");
  const env = await readFile(join(directory, ".env.local"), "utf8");
  const [, url = "", token = ""] = /_URL=(\S+)\n.*_TOKEN=(\S+)/.exec(env) ?? [];
  const queue = new Queue({ store: upstashStore({ url, token }), jobs: [sendEmail], logger: null });
  begin(queue);
  await queue.enqueue(sendEmail, { to: "ada@example.com" });
  await shows("completed");
  await queue.enqueue(sendEmail, { to: "ada" });
  await shows("no such mailbox");

  const guide = await readFile(join(import.meta.dirname, "../../docs/guide/local.md"), "utf8");
  const [, shown = ""] = /^```text\n(tidegate dev.*?)```$/ms.exec(guide) ?? [];
  expect(constant(shown)).toBe(constant(stripVTControlCharacters(written)));
});

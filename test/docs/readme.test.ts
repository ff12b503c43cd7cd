import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createDemo } from "../../examples/cloudflare/demo.ts";
import { welcome } from "../../examples/cloudflare/welcome.ts";
import type { ExecutionContext } from "../../src/platforms/cloudflare.ts";
import { serveFetch } from "../support/http-server.ts";

test("each command that the demo of the README prints is one that it accepts", async () => {
  const demo = createDemo();
  // Without an execution context no job is started, so that nothing waits for its retries.
  const none = undefined as unknown as ExecutionContext;
  const server = await serveFetch((request) => demo.fetch(request, { TIDEGATE_LOCAL: "1" }, none));
  const commands = [...welcome(server.url, "memory").matchAll(/^ {2}curl .*/gm)].map(([command]) => command.trim());
  expect(commands).toHaveLength(8);
  for (const command of commands) {
    const { stdout } = await promisify(execFile)("sh", ["-c", command.replace("curl", "curl --silent --fail")]);
    expect(stdout).toMatch(/^\{.*\}\n$/);
  }
  await server.stop();
});

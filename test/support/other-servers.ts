import { bringOtherServers } from "../../scripts/other-servers.ts";

/**
 * Installs the other servers before all tests. Suites skip a missing one: this is reported before and after them, and
 * is an error on CI.
 */
export default function setup(): (() => void) | undefined {
  const missing = bringOtherServers();
  if (missing.length === 0) return undefined;
  const message = ["NOT TESTED here, because it is missing:", ...missing].join("\n  ");
  if (process.env["CI"]) throw new Error(message);
  const say = () => console.warn(message);
  say();
  return say;
}

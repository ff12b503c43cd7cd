import { bringOtherServers } from "../../scripts/other-servers.ts";
import { installedBuild } from "../package/built.ts";

/**
 * Before all tests, installs the other servers and builds the package, which several workers would do at once. Suites
 * skip a missing server: this is reported before and after them, and is an error on CI.
 */
export default async function setup(): Promise<(() => void) | undefined> {
  const [missing] = await Promise.all([bringOtherServers(), installedBuild()]);
  if (missing.length === 0) return undefined;
  const message = ["NOT TESTED here, because it is missing:", ...missing].join("\n  ");
  if (process.env["CI"]) throw new Error(message);
  const say = () => console.warn(message);
  say();
  return say;
}

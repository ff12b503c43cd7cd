// The REST shim in its own process, so that the work of Upstash's servers does not count as ours.
import { startRestShim } from "../test/support/rest-shim.ts";
import { answerParent } from "./helper.ts";

const shim = await startRestShim({ redisPort: Number(process.env["REDIS_PORT"]), takesLockingLine: true });

export interface ShimState {
  readonly url: string;
  readonly token: string;
  readonly requests: number;
  readonly cpuMs: number;
}

answerParent(async (): Promise<ShimState> => {
  const { user, system } = process.cpuUsage();
  return { url: shim.url, token: shim.token, requests: shim.requests, cpuMs: (user + system) / 1_000 };
});

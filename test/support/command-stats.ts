import { RespClient } from "./resp.ts";

/**
 * Commands that cost nothing at Upstash, by their first word. MULTI and EXEC are the REST shim's own: a transaction is
 * one request at Upstash, which costs what its commands cost.
 */
const freeCommands = new Set(["ping", "info", "config", "auth", "hello", "client", "multi", "exec"]);

export interface CommandCount<T> {
  readonly result: T;
  /** How many commands Upstash would bill: each call, and each call inside a script. */
  readonly commands: number;
  /** The same by name in lower case, such as `{ evalsha: 1, zadd: 2 }`. */
  readonly byName: Readonly<Record<string, number>>;
}

/**
 * Runs an action, and counts the commands that Redis ran meanwhile, whoever sent them. Commands that it refused are not
 * counted.
 */
export async function countCommands<T>(redisPort: number, action: () => Promise<T>): Promise<CommandCount<T>> {
  const redis = await RespClient.connect(redisPort);
  try {
    await redis.send(["CONFIG", "RESETSTAT"]);
    const result = await action();
    const byName = billedCalls(String(await redis.send(["INFO", "commandstats"])));
    return { result, commands: Object.values(byName).reduce((sum, calls) => sum + calls, 0), byName };
  } finally {
    redis.close();
  }
}

function billedCalls(statistics: string): Record<string, number> {
  const calls = statistics.matchAll(/^cmdstat_(([^|:]+)[^:]*):calls=(\d+)/gm);
  const billed = [...calls].filter(([, , word = ""]) => !freeCommands.has(word));
  return Object.fromEntries(
    billed.map(([, name = "", , count]) => [name, Number(count)]).filter(([, count]) => count !== 0),
  );
}

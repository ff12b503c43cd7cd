import { once } from "node:events";
import { createConnection } from "node:net";
import { RespClient } from "./resp.ts";

/** Runs an action, and gives the commands that Redis ran meanwhile with their arguments, those within scripts too. */
export async function watchCommands(
  redisPort: number,
  action: () => Promise<unknown>,
): Promise<readonly (readonly string[])[]> {
  const [watch, redis] = [
    createConnection({ host: "127.0.0.1", port: redisPort }),
    await RespClient.connect(redisPort),
  ];
  const end = `end-of-watch-${Math.random()}`;
  let seen = "";
  const ended = new Promise<void>((resolve) => {
    watch.on("data", (chunk: Buffer) => {
      seen += chunk.toString("latin1");
      if (seen.endsWith("\n") && seen.includes(`"ECHO" "${end}"`)) resolve();
    });
  });
  try {
    watch.write("MONITOR\r\n");
    await once(watch, "data");
    await action();
    await redis.send(["ECHO", end]);
    await ended;
  } finally {
    watch.destroy();
    redis.close();
  }
  return seen.split("\r\n").map((line) => [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) => text));
}

// A TCP proxy before Redis in a process of its own: each reply arrives so much later, as if Redis were that far away.
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { answerParent } from "./helper.ts";

const { REDIS_PORT = "", DELAY_MS = "" } = process.env;

const server = createServer((client) => {
  const redis = connect(Number(REDIS_PORT), "127.0.0.1");
  client.setNoDelay(true);
  redis.setNoDelay(true);
  client.pipe(redis);
  redis.on("data", (chunk) => setTimeout(() => client.write(chunk), Number(DELAY_MS)));
  redis.on("end", () => setTimeout(() => client.end(), Number(DELAY_MS)));
  client.on("close", () => redis.destroy());
  for (const socket of [client, redis]) socket.on("error", () => {});
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

export interface DelayState {
  readonly port: number;
}

answerParent(async (): Promise<DelayState> => ({ port: (server.address() as AddressInfo).port }));

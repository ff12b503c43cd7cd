import { once } from "node:events";
import { createConnection, createServer, type Socket } from "node:net";
import type { Fault } from "./faults.ts";

/** The faults of HTTP that a plain connection can have too. */
export const tcpFaults: readonly Fault[] = ["drop-request", "drop-reply", "half-body"];

const introduction = /HELLO|CLIENT/;

export interface TcpProxy {
  readonly port: number;
  /**
   * Queues a fault for the next data that a client sends, or the next with this text in it; the connection is lost with
   * it.
   */
  next(fault: Fault, text?: string): void;
  /** Gives all data the same fault; `undefined` ends that. */
  always(fault: Fault | undefined): void;
  stop(): Promise<void>;
}

/**
 * Starts a proxy in front of a Redis on this machine that breaks connections in the middle of chosen commands.
 *
 * @param port where it listens. Default: a free port.
 */
export async function startTcpProxy(redisPort: number, port = 0): Promise<TcpProxy> {
  const queue: { readonly fault: Fault; readonly text: string }[] = [];
  const sockets = new Set<Socket>();
  let everyFault: Fault | undefined;
  const faultOf = (sent: Buffer): Fault | undefined => {
    // The handshake of a client passes, so that its first command meets the fault.
    if (introduction.test(sent.toString("latin1", 0, 200))) return undefined;
    return queue[0] && sent.includes(queue[0].text) ? queue.shift()?.fault : everyFault;
  };
  const server = createServer((client) => {
    const redis = createConnection({ host: "127.0.0.1", port: redisPort, noDelay: true });
    const end = () => {
      client.destroy();
      redis.destroy();
    };
    let answerFault: Fault | undefined;
    client.on("data", (sent: Buffer) => {
      const fault = faultOf(sent);
      if (fault === "drop-request") return end();
      answerFault ??= fault;
      redis.write(sent);
    });
    redis.on("data", (answer: Buffer) => {
      if (answerFault === "half-body") client.write(answer.subarray(0, Math.ceil(answer.length / 2)), end);
      else if (answerFault === "drop-reply") end();
      else client.write(answer);
    });
    for (const socket of [client, redis]) {
      sockets.add(socket);
      socket.on("error", end).on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The TCP proxy has no port.");
  return {
    port: address.port,
    next: (fault, text = "") => void queue.push({ fault, text }),
    always(fault) {
      everyFault = fault;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

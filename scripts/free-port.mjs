import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Finds a port of 127.0.0.1 on which nothing listens, for a program that does not choose one itself. Another may take it first.
 *
 * @returns {Promise<number>}
 */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

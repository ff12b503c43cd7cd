import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

// Below the ports that systems give to connections, and to servers that ask for any: nobody else takes one of these
// between the look and its use.
const FIRST = 20_000;
const COUNT = 12_000;
let next = randomInt(COUNT);

/** Finds a port of 127.0.0.1 on which nothing listens, for a program that does not choose one itself: no port twice. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + (next++ % COUNT);
    const probe = createServer().listen(port, "127.0.0.1");
    const isFree = await once(probe, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    probe.close();
    await once(probe, "close");
    return port;
  }
}

import { createQStash, type QStash } from "tidegate/qstash";

/** What programs on this machine develop with. The demo only answers to this machine, so nothing of it is a secret. */
export const localQStash = {
  token: "local-qstash-token",
  signingKeys: { current: "local-current-signing-key", next: "local-next-signing-key" },
} as const;

/** The ports on which frameworks serve by default. */
const ports = [3000, 3001, 4200, 4321, 5000, 5173, 8000, 8080, 8788];
const hosts = ["localhost", "127.0.0.1"];

/**
 * QStash's interface for local runs: messages go to programs on this machine.
 *
 * @param targets where messages may go, separated by commas. Default: the ports on which frameworks serve.
 */
export function createLocalQStash(targets: string | undefined): QStash {
  const { token, signingKeys } = localQStash;
  const given = targets ? targets.split(",").map((target) => target.trim()) : undefined;
  const usual = hosts.flatMap((host) => ports.map((port) => `http://${host}:${port}/*`));
  return createQStash({ tokens: [token], signingKeys, targets: given ?? usual, events: { retention: "1d" } });
}

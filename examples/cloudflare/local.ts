// What `npm start` runs: the demo, and QStash's interface for programs on this machine.
import { createQStash } from "tidegate/qstash";
import { createDemo } from "./demo.ts";

/** For programs in development. A local run serves only this machine, so none of this is a secret. */
const token = "local-qstash-token";
const signingKeys = { current: "local-current-signing-key", next: "local-next-signing-key" };

/** The ports on which frameworks serve by default. */
const ports = [3000, 3001, 4200, 4321, 5000, 5173, 8000, 8080, 8788];
const usualTargets = ["localhost", "127.0.0.1"].flatMap((host) => ports.map((port) => `http://${host}:${port}/*`));

export default createDemo({
  qstash: ({ QSTASH_TARGETS = "" }) =>
    createQStash({
      ...{ tokens: [token], signingKeys, events: { retention: "1d" } },
      targets: QSTASH_TARGETS ? QSTASH_TARGETS.split(",").map((target) => target.trim()) : usualTargets,
    }),
  welcome: (origin) => `
Develop against QStash's SDK, offline: give your app these variables.
  QSTASH_URL=${origin}
  QSTASH_TOKEN=${token}
  QSTASH_CURRENT_SIGNING_KEY=${signingKeys.current}
  QSTASH_NEXT_SIGNING_KEY=${signingKeys.next}
`,
});

// What `npm start -- --qstash` runs: the demo, and QStash's interface for programs on this machine.
import { createQStash } from "tidegate/qstash";
import { createDemo } from "./demo.ts";

/** For programs in development. A local run serves only this machine, so none of this is a secret. */
const token = "local-qstash-token";
const signingKeys = { current: "local-current-signing-key", next: "local-next-signing-key" };

export default createDemo({
  qstash: createQStash({
    ...{ tokens: [token], signingKeys, events: { retention: "1d" } },
    targets: ["http://localhost:*/*", "http://127.0.0.1:*/*"],
  }),
  welcome: (origin) => `
Develop against QStash's SDK, offline: give your app these variables.
  QSTASH_URL=${origin}
  QSTASH_TOKEN=${token}
  QSTASH_CURRENT_SIGNING_KEY=${signingKeys.current}
  QSTASH_NEXT_SIGNING_KEY=${signingKeys.next}
`,
});

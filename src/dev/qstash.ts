import type { Hooks } from "../core/observe/hooks.ts";
import { Queue } from "../core/queue/queue.ts";
import type { Clock } from "../core/shared/clock.ts";
import type { Store } from "../core/store/store.ts";
import { createQStash } from "../qstash/index.ts";
import type { Kept } from "./directory.ts";
import { LOCAL_NAMES } from "./start.ts";

/** The name of the queue that holds QStash's messages. */
export const MESSAGES = "qstash-dev";

/** Every port of this machine: an app chooses its port anew each time. */
const LOCAL_TARGETS = ["http", "https"].flatMap((scheme) => LOCAL_NAMES.map((host) => `${scheme}://${host}:*/*`));

export type LocalQStash = ReturnType<typeof openQStash>;

export function openQStash(
  { qstashToken, currentSigningKey, nextSigningKey }: Kept,
  store: Store,
  clock: Clock,
  hooks: Hooks,
) {
  const qstash = createQStash({
    tokens: [qstashToken],
    signingKeys: { current: currentSigningKey, next: nextSigningKey },
    targets: LOCAL_TARGETS,
    events: { retention: "3d" },
  });
  return {
    interface: qstash,
    queue: new Queue({ name: MESSAGES, store, jobs: qstash.jobs, clock, hooks, logger: null }),
    envOf: (url: string) => ({
      QSTASH_URL: url,
      QSTASH_TOKEN: qstashToken,
      QSTASH_CURRENT_SIGNING_KEY: currentSigningKey,
      QSTASH_NEXT_SIGNING_KEY: nextSigningKey,
    }),
  };
}

/** The most KB (1,024 bytes) that bundles have, minified and gzipped. The tests and the pages name these. */
export const sizes = {
  /** The Worker of the README, without zod: a queue on Upstash with its handler. */
  worker: 175,
  /** What Wrangler's `keep_names` adds to it. */
  names: 14,
  /** A Worker that only enqueues. */
  producer: 76,
  client: 3,
  /** `watchJob` alone. */
  watchJob: 1.9,
  /** What the dashboard adds, including its page. */
  dashboard: 41,
  /** What QStash's interface adds. */
  qstash: 30,
  /** What alerts add: Slack and webhooks. */
  alerts: 4.7,
  /** What a wake object adds. */
  wakeObject: 1,
  /** The demo, which has all of that and zod. */
  demo: 226,
} as const;

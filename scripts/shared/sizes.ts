/** The most KB (1,024 bytes) that bundles have, minified and gzipped. The tests and the pages name these. */
export const sizes = {
  /** A Worker with a queue on Upstash and its handler. */
  worker: 169.5,
  /** What Wrangler's `keep_names` adds to it. */
  names: 13,
  /** A Worker that only enqueues. */
  producer: 75,
  client: 3,
  /** `watchJob` alone. */
  watchJob: 1.9,
  /** What the dashboard adds, including its page. */
  dashboard: 40.2,
  /** What QStash's interface adds. */
  qstash: 25.8,
  /** What alerts add: Slack and webhooks. */
  alerts: 4.9,
  /** What a wake object adds. */
  wakeObject: 1,
  /** The demo, which has all of that and zod. */
  demo: 222.5,
} as const;

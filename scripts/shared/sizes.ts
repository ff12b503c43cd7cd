/** The most KB (1,024 bytes) that bundles have, minified and gzipped. The tests and the pages name these. */
export const sizes = {
  /** The Worker of the README, without zod: a queue on Upstash with its handler. */
  worker: 140,
  /** What Wrangler's `keep_names` adds to it. */
  names: 11,
  /** A Worker that only enqueues. */
  producer: 50.1,
  client: 2.9,
  /** What the dashboard adds, including its page. */
  dashboard: 31,
  /** What QStash's interface adds. */
  qstash: 30,
  /** What a wake object adds. */
  wakeObject: 1,
  /** The demo, which has all of that and zod. */
  demo: 184,
} as const;

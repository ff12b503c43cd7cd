/** The price of each unit that a service bills, without what a plan includes. */
export interface Price {
  readonly service: string;
  readonly unit: string;
  readonly dollarsPerMillion: number;
  /** The units of a job that succeeds at its first attempt. Absent if it depends on the queue: then it is counted. */
  readonly unitsPerJob?: number;
  readonly source: string;
  /** When the price was published there, as far as known. */
  readonly asOf: string;
  readonly note: string;
}

/** The commands of a month on Upstash's free plan, at the same source. */
export const UPSTASH_FREE_COMMANDS = 500_000;

export const upstashRedis: Price = {
  service: "Upstash Redis, pay as you go",
  unit: "command",
  dollarsPerMillion: 2,
  source: "https://upstash.com/pricing/redis",
  asOf: "2026-11-09",
  note: "$0.20 per 100,000. A script counts 1, and 1 more for each command inside it.",
};

/** The smallest of Upstash's Fixed plans, which bill no commands. */
export const upstashFixed = {
  dollarsAMonth: 10,
  megabytes: 250,
  source: "https://upstash.com/pricing/redis",
  asOf: "2026",
} as const;

export const services: readonly (Price & { readonly unitsPerJob: number })[] = [
  {
    service: "QStash, pay as you go",
    unit: "message",
    dollarsPerMillion: 10,
    unitsPerJob: 1,
    source: "https://upstash.com/pricing/qstash",
    asOf: "2026",
    note: "$1 per 100,000. Each retry is a message more.",
  },
  {
    service: "Cloudflare Queues, Workers Paid",
    unit: "operation",
    dollarsPerMillion: 0.4,
    unitsPerJob: 3,
    source: "https://developers.cloudflare.com/queues/platform/pricing/",
    asOf: "2026",
    note: "A message of up to 64 KB is written, read and deleted. Each retry is a read more.",
  },
  {
    service: "Vercel Queues",
    unit: "operation",
    dollarsPerMillion: 0.6,
    unitsPerJob: 3,
    source: "https://vercel.com/docs/queues/pricing",
    asOf: "2026-02-27",
    note:
      "Of a message of up to 4 KiB, the sending, the delivery and the deletion count: 3 at least. That page leaves the " +
      "price to the region; this one is what [Vercel's plugin](https://skills.sh/vercel/vercel-plugin/vercel-queues) names.",
  },
];

/** Cloudflare's Durable Objects on Workers Paid, beyond what the plan includes. An object has 128 MB. */
export const durableObjects = {
  dollarsPerMillionRequests: 0.15,
  dollarsPerMillionRowsWritten: 1,
  dollarsPerMillionGBSeconds: 12.5,
  gigabytes: 0.128,
  source: "https://developers.cloudflare.com/durable-objects/platform/pricing/",
  asOf: "2026",
} as const;

/** Trigger.dev's cloud bills the run, and then the seconds of the machine on which it runs your code. */
export const triggerDev = {
  unit: "run",
  dollarsPerMillion: 25,
  source: "https://trigger.dev/pricing",
  asOf: "2026-09-29",
} as const;

/** Inngest's cloud sells plans: a function without steps is one execution, and each step is another one. */
export const inngest = {
  unit: "execution",
  free: 50_000,
  dollarsAMonth: 99,
  included: 1_000_000,
  source: "https://www.inngest.com/pricing",
  asOf: "2026-09-29",
} as const;

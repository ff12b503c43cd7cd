/** Upstash's plans as https://upstash.com/pricing/redis had them in November 2026. */
export const plans = {
  free: { commands: 500_000 },
  payg: { dollarsPer100k: 0.2 },
} as const;

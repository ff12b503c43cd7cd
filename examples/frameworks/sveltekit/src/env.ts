import { defineEnvVars } from "@sveltejs/kit/env";

export const variables = defineEnvVars({
  UPSTASH_REDIS_REST_URL: {},
  UPSTASH_REDIS_REST_TOKEN: {},
  TIDEGATE_ADMIN_TOKEN: {},
  CRON_SECRET: {},
});

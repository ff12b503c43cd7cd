/** The environment of the Workers in this folder. Set each variable with `npx wrangler secret put NAME`. */
export interface Env {
  readonly UPSTASH_REDIS_REST_URL: string;
  readonly UPSTASH_REDIS_REST_TOKEN: string;
  readonly TIDEGATE_ENQUEUE_TOKEN: string;
  readonly TIDEGATE_ADMIN_TOKEN: string;
}

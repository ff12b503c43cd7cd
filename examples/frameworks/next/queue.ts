import { Queue } from "tidegate";
import { upstashStore } from "tidegate/upstash";
import { jobs } from "./jobs";

const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: token = "" } = process.env;
const watchSecret = process.env.TIDEGATE_WATCH_SECRET; // signs tokens that let a page watch one job
export const queue = new Queue({ store: upstashStore({ url, token }), jobs, watchSecret });

import { Queue } from "tidegate";
import { upstashStore } from "tidegate/upstash";
import { jobs } from "./jobs";

const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: token = "" } = process.env;

/** Server code of the same app enqueues without HTTP: `await queue.enqueue(sendInvoice, { number })`. */
export const queue = new Queue({ store: upstashStore({ url, token }), jobs });

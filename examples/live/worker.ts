// A process that runs the jobs. Others may run beside it, or in its place if it dies.
import { startWorker } from "tidegate/node";
import { upstashStore } from "tidegate/upstash";
import { openQueue } from "./queue.ts";

const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: token = "" } = process.env;

startWorker(openQueue({ store: upstashStore({ url, token }) }));

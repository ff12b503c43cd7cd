import { Queue } from "tidegate";
import { qstashWake } from "tidegate/qstash";
import { upstashStore } from "tidegate/upstash";
import { jobs } from "../queue-jobs.ts";

const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: token = "" } = process.env;
const store = upstashStore({ url, token });

// #region queue
const { QSTASH_TOKEN, CRON_SECRET = "" } = process.env;
const drainUrl = "https://app.example.com/api/queue/drain";
// Unset on your machine, where `tidegate dev` drains.
const wake = QSTASH_TOKEN ? qstashWake({ token: QSTASH_TOKEN, url: drainUrl, drainToken: CRON_SECRET }) : undefined;
export const queue = new Queue({ store, jobs, wake }); // and your other options
// #endregion

import process from "node:process";
import { defineJob, Queue } from "tidegate";
import { upstashStore } from "tidegate/upstash";

export const sendWelcome = defineJob({
  name: "send_welcome",
  perform: ({ to }: { to: string }) => console.log(`Welcome, ${to}`), // Send the email here.
});

const { UPSTASH_REDIS_REST_URL: url = "", UPSTASH_REDIS_REST_TOKEN: token = "" } = process.env;

export const queue = new Queue({ store: upstashStore({ url, token }), jobs: [sendWelcome] });

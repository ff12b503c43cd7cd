import { defineJob, Queue } from "tidegate";
import { upstashStore } from "tidegate/upstash";
import { UPSTASH_REDIS_REST_TOKEN as token, UPSTASH_REDIS_REST_URL as url } from "$app/env/private";

export const sendWelcome = defineJob({
  name: "send_welcome",
  perform: ({ to }: { to: string }) => console.log(`Welcome, ${to}`), // Send the email here.
});

export const queue = new Queue({ store: upstashStore({ url, token }), jobs: [sendWelcome] });

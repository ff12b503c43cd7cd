// Serves the app on http://localhost:8787. A bundler such as Vite serves the page, and passes on what is not its own.
import { createServer } from "node:http";
import { nodeListener } from "tidegate/node";
import { upstashStore } from "tidegate/upstash";
import { createApp } from "./app.ts";
import { openQueue } from "./queue.ts";

const {
  UPSTASH_REDIS_REST_URL: url = "",
  UPSTASH_REDIS_REST_TOKEN: token = "",
  TIDEGATE_WATCH_SECRET: watchSecret,
  TIDEGATE_ADMIN_TOKEN: adminToken = "",
} = process.env;

const app = createApp(openQueue({ store: upstashStore({ url, token }), watchSecret }), adminToken);

createServer(nodeListener(app)).listen(8787, "127.0.0.1");

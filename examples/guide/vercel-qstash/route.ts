import { createRoute, vercelHobby } from "tidegate/vercel";
import { queue } from "./queue.ts";

export const maxDuration = 300; // seconds: what a drain may take
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = createRoute({
  queue,
  basePath: "/api/queue",
  drain: vercelHobby,
});

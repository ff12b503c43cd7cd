import { index, type RouteConfig, route } from "@react-router/dev/routes";

export default [index("routes/home.tsx"), route("api/queue/*", "routes/queue.ts")] satisfies RouteConfig;

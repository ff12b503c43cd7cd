import { Queue, type Store } from "tidegate";
import { createRoute, vercelHobby } from "tidegate/vercel";
import { resize, sendEmail } from "./define.ts";

export function hobbyRoute(store: Store) {
  const queue = new Queue({ store, jobs: [sendEmail, resize] });
  // #region route
  const { GET, POST } = createRoute({
    queue,
    basePath: "/api/queue",
    drain: vercelHobby,
  });
  // #endregion
  return { GET, POST };
}

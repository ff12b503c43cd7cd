import { queue } from "../../queue.ts";

/** Netlify ends a scheduled function after 30 seconds. */
export default async () => {
  await queue.drain({ timeBudget: "20s", grace: "5s", linger: "20s" });
};

export const config = { schedule: "* * * * *" };

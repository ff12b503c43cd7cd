import { Queue, type Store } from "tidegate";
import { sendEmail } from "./define.ts";

export async function inOneCall(queue: Queue, addresses: readonly string[]) {
  // #region bulk
  await queue.enqueueMany(addresses.map((to) => ({ job: sendEmail, payload: { to } })));
  // #endregion
}

export async function bounded(queue: Queue) {
  // #region budget
  const report = await queue.drain({ maxJobs: 5_000, budget: { commands: 200, roundTrips: 10 } });
  if (report.stoppedBy === "budget") console.log(`Spent ${report.commands}; more is due: ${report.backlog}`);
  // #endregion
  return report;
}

export const keepNothing = (store: Store) =>
  // #region retention
  new Queue({ store, jobs: [sendEmail], retention: "0s" });
// #endregion

export const observeLess = (store: Store) =>
  // #region observe
  new Queue({ store, jobs: [sendEmail], observe: false });
// #endregion

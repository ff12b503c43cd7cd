// #region queue
import { Queue } from "tidegate";
import * as jobs from "./jobs.ts";
import { store } from "./store.ts";

/** Everything else uses this one: routes, the worker, tests. */
export const queue = new Queue({ store, jobs: Object.values(jobs) });
// #endregion

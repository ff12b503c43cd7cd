import { memoryStore, Queue } from "tidegate";
import { jobs } from "./jobs.ts";

const store = memoryStore();
const urgent = new Queue({ name: "urgent", store, jobs });
const bulk = new Queue({ name: "bulk", store, jobs });
await bulk.enqueue("send_email", { to: "ada" });
await urgent.enqueue("send_email", { to: "ada" });

export const queues = [urgent, bulk];

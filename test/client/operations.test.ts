import { expect, test } from "vitest";
import { QueueClient } from "../../src/client/index.ts";
import { type OperationName, operations } from "../../src/contract/operations.ts";
import { createHandler } from "../../src/http/handler.ts";
import { memoryStore, Queue } from "../../src/index.ts";

/** How the client asks for each operation, or why it does not. One that is missing here does not compile. */
const calls: Readonly<Record<OperationName, string | ((client: QueueClient) => Promise<unknown>)>> = {
  enqueueJob: (client) => client.enqueue("send_email"),
  listJobs: (client) => client.listJobs({ state: "dead" }),
  clearJobs: (client) => client.clear(),
  cancelJobs: "only the command line changes many waiting jobs, and the client is to stay small",
  rescheduleJobs: "as cancelJobs",
  getJob: (client) => client.getJob("x"),
  watchJob: "watchJob is a function of its own",
  listChildren: (client) => client.listChildren("x"),
  updateJob: (client) => client.update("x", { delay: "1h" }),
  cancelJob: (client) => client.cancel("x"),
  getFailures: (client) => client.getFailures(),
  getFailure: (client) => client.getFailure("x"),
  listDeadJobs: (client) => client.listDeadLetter(),
  retryDeadJobs: (client) => client.retryFromDeadLetter({ all: true }),
  removeDeadJobs: (client) => client.removeFromDeadLetter({ all: true }),
  retryDeadJob: "retryDeadJobs takes one id too",
  removeDeadJob: "removeDeadJobs takes one id too",
  listSchedules: (client) => client.schedules.list(),
  getSchedule: (client) => client.schedules.get("x"),
  putSchedule: (client) => client.schedules.upsert("x", { job: "send_email", every: "1h" }),
  removeSchedule: (client) => client.schedules.remove("x"),
  pauseSchedule: (client) => client.schedules.pause("x"),
  resumeSchedule: (client) => client.schedules.resume("x"),
  runSchedule: (client) => client.schedules.run("x"),
  previewSchedule: (client) => client.schedules.preview("x", 3),
  getUpcoming: "what a person looks at: no code has asked for it",
  listFlowControlKeys: (client) => client.flowControl.list(),
  getFlowControlKey: (client) => client.flowControl.get("x"),
  setFlowControlKey: (client) => client.flowControl.set("x", { concurrency: 2 }),
  unsetFlowControlKey: (client) => client.flowControl.unset("x"),
  pauseFlowControlKey: (client) => client.flowControl.pause("x"),
  resumeFlowControlKey: (client) => client.flowControl.resume("x"),
  sendSignal: (client) => client.signal("x"),
  drain: (client) => client.drain(),
  drainByGet: "for crons that send GET",
  listChanges: (client) => client.listChanges({ limit: 5 }),
  pause: (client) => client.pause(),
  resume: (client) => client.resume(),
  pauseJobs: (client) => client.pauseJobs("x", { reason: "y" }),
  resumeJobs: (client) => client.resumeJobs("x"),
  rekey: (client) => client.rekey(),
  getStats: (client) => client.getStats(),
  getHealth: "for monitors, which need no client",
  listQueues: "of a handler, and not of a queue",
  getActivity: (client) => client.getActivity(),
  getFigures: (client) => client.getFigures(),
  getHistory: (client) => client.getHistory(),
  getMetrics: "for Prometheus",
  getDescription: "for generators",
};

const asked = Object.entries(calls).flatMap(([name, call]) => (typeof call === "string" ? [] : [{ name, call }]));

test.each(asked)("the client asks for $name at its address", async ({ name, call }) => {
  const sent: string[] = [];
  const fetch = ({ method, url }: Request) => {
    sent.push(`${method} ${new URL(url).pathname}`);
    return Response.json({ title: "", detail: "enough", code: "conflict" }, { status: 409 });
  };
  await expect(call(new QueueClient({ url: "https://queue.test", fetch }))).rejects.toMatchObject({ code: "conflict" });
  expect(sent).toEqual([operations[name as OperationName][0].replace(/:\w+/, "x")]);
});

const by = { by: "ada" };
test.each<(client: QueueClient) => Promise<unknown>>([
  // @ts-expect-error The token says who.
  ({ schedules }) => schedules.remove("x", by),
  // @ts-expect-error The token says who.
  ({ schedules }) => schedules.pause("x", by),
  // @ts-expect-error The token says who.
  ({ schedules }) => schedules.resume("x", by),
  // @ts-expect-error The token says who.
  ({ schedules }) => schedules.run("x", by),
  // @ts-expect-error The token says who.
  ({ flowControl }) => flowControl.set("x", { concurrency: 2 }, by),
  // @ts-expect-error The token says who.
  ({ flowControl }) => flowControl.unset("x", by),
  // @ts-expect-error The token says who.
  ({ flowControl }) => flowControl.pause("x", by),
  // @ts-expect-error The token says who.
  ({ flowControl }) => flowControl.resume("x", by),
])("a token says who makes a change, so the handler refuses by: %s", async (call) => {
  const handler = createHandler({ queue: new Queue({ store: memoryStore() }), auth: "none" });
  const client = new QueueClient({ url: "https://queue.test", fetch: (request) => handler.fetch(request) });
  await expect(call(client)).rejects.toThrow('Unknown option "by"');
});

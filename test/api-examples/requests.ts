import type { OperationName } from "../../src/contract/operations.ts";
import type { Operation } from "./openapi.ts";

/** A request, and the status of its answer in an `apiWorld`. */
export interface Case {
  readonly status: number;
  /** The parameters in its path. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it is an example of the operation, in addition to the first. */
  readonly isExample?: boolean;
  /** Whether the world has what a newer version stored. */
  readonly hasNewer?: boolean;
  /** Whether the event `crowded` can keep no more signals in the world. */
  readonly isCrowded?: boolean;
  /** Whether it is answered without the store. */
  readonly storeless?: boolean;
}

const payload = { to: "ada@example.com" };
const image = { url: "https://example.com/3.png" };
const order = { path: { id: "order-7" } };
const photo = { path: { id: "photo-2" } };
const deadPhoto = { path: { id: "photo-1" } };
const running = { path: { id: "order-6" } };
const nobody = { path: { id: "nobody" } };
const newerJob = { path: { id: "newer" } };
const daily = { path: { key: "daily" } };
const none = { path: { key: "none" } };
const tenant = { path: { key: "tenant-7" } };
const report = { name: "daily_report", cron: "0 9 * * *", timeZone: "Europe/Paris" };

/** Makes the requested drain a hop of a chain. */
const link = { "tidegate-relay": "1;1900000000000" };

/** Requests for a schedule that exists, that does not, or that cannot be read. */
function onSchedule(status: number, query: Case["query"] = {}): readonly [Case, ...Case[]] {
  return [
    { status, ...daily, query },
    { status: 404, ...none },
    { status: 409, path: { key: "newer" }, hasNewer: true },
  ];
}

/**
 * Requests of each operation. The first one is an example of its use; together they get every status except those
 * caused by tokens, by the size of the body, by a store that does not answer, or by an unknown queue.
 */
export const cases: Readonly<Record<OperationName, readonly [Case, ...Case[]]>> = {
  enqueueJob: [
    { status: 201, body: { name: "send_email", payload, delay: "5m" } },
    { status: 200, body: { name: "send_email", payload, id: "order-7" } },
    { status: 201, body: { name: "daily_report", children: [{ name: "send_email", payload }] }, isExample: true },
    {
      status: 200,
      body: [
        { name: "send_email", payload },
        { name: "send_email", payload },
      ],
      isExample: true,
    },
    {
      status: 200,
      query: { each: "true" },
      body: [
        { name: "send_email", payload },
        { name: "send_email", payload: {} },
        { name: "resize_image", delay: "soon" },
      ],
      isExample: true,
    },
    { status: 201, query: { each: "true" }, body: { name: "send_email", payload } },
    { status: 201, body: report, isExample: true },
    { status: 201, body: { name: "send_email", payload, flowControl: { key: "tenant-7", concurrency: 2 } } },
    { status: 200, body: { ...report, id: "daily" } },
    { status: 422, body: { name: "send_email", payload: {} } },
    { status: 422, body: { name: "resize_image", payload: "boom" } },
  ],
  listJobs: [
    { status: 200, query: { state: "scheduled", limit: "1" } },
    { status: 200 },
    { status: 409, query: { state: "dead" }, hasNewer: true },
  ],
  rekey: [
    { status: 200, body: { limit: 100 } },
    { status: 200, body: { cursor: "dead:" } },
  ],
  clearJobs: [{ status: 200, query: { state: "pending" } }],
  getJob: [
    { status: 200, ...order },
    { status: 200, ...running },
    { status: 200, path: { id: "order-5" } },
    { status: 200, path: { id: "order-8" }, isExample: true },
    { status: 200, path: { id: "signup-42" }, isExample: true },
    { status: 200, ...deadPhoto },
    { status: 404, ...nobody },
    { status: 409, ...newerJob, hasNewer: true },
  ],
  watchJob: [
    { status: 200, path: { id: "order-5" } },
    { status: 204, path: { id: "order-5" }, headers: { "last-event-id": "hqo36i" } },
    { status: 404, ...nobody },
    { status: 409, ...newerJob, hasNewer: true },
  ],
  listChildren: [
    { status: 200, ...order },
    { status: 404, ...nobody },
    { status: 409, ...newerJob, hasNewer: true },
  ],
  updateJob: [
    { status: 200, ...order, body: { delay: "1h" } },
    { status: 404, ...nobody, body: { delay: "1h" } },
    { status: 409, ...running, body: { delay: "1h" } },
    { status: 422, ...order, body: { payload: {} } },
    { status: 422, ...photo, body: { payload: "boom" } },
  ],
  cancelJob: [
    { status: 204, ...order },
    { status: 204, ...running, query: { running: "true" } },
    { status: 404, ...nobody },
    { status: 409, ...running },
  ],
  cancelJobs: [
    { status: 200, body: { name: "send_email", dryRun: true } },
    { status: 200, body: { ids: ["order-7", "order-6"] } },
  ],
  rescheduleJobs: [
    { status: 200, body: { all: true, state: "scheduled", delay: 0 } },
    { status: 200, body: { ids: ["order-7"], runAt: "2030-01-31T09:00:00Z" } },
  ],
  getFailures: [{ status: 200 }, { status: 409, hasNewer: true }],
  getFailure: [
    { status: 200, path: { group: "bd020c2316b2" } },
    { status: 404, path: { group: "000000000000" } },
    { status: 409, path: { group: "1f2e3d4c5b6a" }, hasNewer: true },
  ],
  listDeadJobs: [
    { status: 200, query: { name: "resize_image" } },
    { status: 409, hasNewer: true },
  ],
  retryDeadJobs: [
    { status: 200, body: { name: "resize_image", dryRun: true } },
    { status: 200, body: { ids: ["photo-1"] } },
    { status: 409, body: { all: true }, hasNewer: true },
    { status: 422, body: { ids: ["photo-1"], payload: {} } },
    { status: 422, body: { ids: ["photo-1"], payload: "boom" } },
  ],
  removeDeadJobs: [{ status: 200, body: { ids: ["photo-1"] } }],
  retryDeadJob: [
    { status: 200, ...deadPhoto, body: { payload: image } },
    { status: 200, ...deadPhoto },
    { status: 404, ...nobody },
    { status: 409, ...newerJob, hasNewer: true },
    { status: 422, ...deadPhoto, body: { payload: {} } },
    { status: 422, ...deadPhoto, body: { payload: "boom" } },
  ],
  removeDeadJob: [
    { status: 204, ...deadPhoto },
    { status: 404, ...nobody },
  ],
  listSchedules: [{ status: 200 }, { status: 409, hasNewer: true }],
  getSchedule: [
    { status: 200, ...daily },
    { status: 404, ...none },
    { status: 409, path: { key: "newer" }, hasNewer: true },
  ],
  putSchedule: [
    { status: 200, ...daily, body: report },
    { status: 422, ...daily, body: { ...report, name: "send_email" } },
    { status: 422, ...daily, body: { ...report, name: "resize_image", payload: "boom" } },
  ],
  removeSchedule: [
    { status: 204, ...daily },
    { status: 404, ...none },
  ],
  pauseSchedule: onSchedule(200),
  resumeSchedule: onSchedule(200),
  runSchedule: [...onSchedule(201), { status: 200, path: { key: "weekly" } }],
  previewSchedule: onSchedule(200, { count: "2" }),
  getUpcoming: [{ status: 200 }, { status: 409, hasNewer: true }],
  listFlowControlKeys: [{ status: 200, query: { limit: "10" } }, { status: 200 }],
  getFlowControlKey: [
    { status: 200, ...tenant },
    { status: 404, ...none },
  ],
  setFlowControlKey: [
    { status: 200, ...tenant, body: { concurrency: 2, rate: 100, period: "1m" } },
    { status: 200, ...none, body: { ordered: true } },
  ],
  unsetFlowControlKey: [
    { status: 204, ...tenant },
    { status: 204, ...none },
  ],
  pauseFlowControlKey: [{ status: 200, ...tenant }],
  resumeFlowControlKey: [{ status: 200, ...tenant }],
  sendSignal: [
    { status: 200, path: { event: "reply-42" }, body: { data: { text: "Thank you" }, id: "message-17" } },
    { status: 200, path: { event: "reply-43" }, isExample: true },
    { status: 409, path: { event: "crowded" }, body: { data: "x".repeat(10_000) }, isCrowded: true },
    { status: 413, path: { event: "reply-42" }, body: { data: "x".repeat(300_000) } },
  ],
  drain: [
    { status: 200, body: { maxJobs: 10 } },
    { status: 200, body: { attempts: true } },
    { status: 202, headers: link },
  ],
  drainByGet: [
    { status: 200, query: { maxJobs: "10" } },
    { status: 200, query: { attempts: "true" } },
    { status: 202, headers: link },
  ],
  listChanges: [{ status: 200, query: { limit: "50" } }],
  pause: [{ status: 200 }],
  resume: [{ status: 200 }],
  pauseJobs: [
    { status: 200, path: { name: "send_email" }, body: { reason: "The CRM is down" } },
    { status: 409, path: { name: "send_email" }, body: {}, isCrowded: true },
  ],
  resumeJobs: [{ status: 200, path: { name: "send_email" } }],
  getStats: [{ status: 200 }],
  getHealth: [{ status: 200 }],
  listQueues: [{ status: 200 }],
  getActivity: [{ status: 200 }],
  getFigures: [{ status: 200, query: { days: "1", pending: "true" } }],
  getHistory: [{ status: 200, query: { hours: "24" } }],
  getMetrics: [{ status: 200, query: { keys: "true" } }],
  getDescription: [{ status: 200, storeless: true }],
};

/** The cases of an operation, of the first queue or by the queue's name. */
export function casesOf({ operationId, path }: Operation): readonly [Case, ...Case[]] {
  return cases[(path.startsWith("/queues/") ? operationId.replace(/InQueue$/, "") : operationId) as OperationName];
}

/** Builds a request of an operation. @param base the address of the handler. */
export function requestOf({ method, path: template }: Operation, each: Partial<Case>, base: string): Request {
  const values: Readonly<Record<string, string>> = { queue: "default", ...each.path };
  const path = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name] ?? ""));
  const search = new URLSearchParams(each.query).toString();
  const hasBody = each.body !== undefined;
  return new Request(base + path + (search && `?${search}`), {
    method,
    headers: { ...(hasBody && { "Content-Type": "application/json" }), ...each.headers },
    ...(hasBody && { body: JSON.stringify(each.body) }),
  });
}

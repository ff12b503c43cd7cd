// What can be asked of a handler: for each operation, its address and the scope of the token that it needs. Handlers,
// the client, the command line and the page refer to an operation by its name. This file imports nothing, so each may
// import it.

export const allScopes = ["enqueue", "drain", "signal", "read", "admin"] as const;

/** What a token allows: enqueue jobs and read one job, drain, send signals, read everything, or do everything. */
export type Scope = (typeof allScopes)[number];

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** A method, and a path relative to the handler and to `/queues/:queue`. */
export type Address = `${Method} /${string}`;

/** In the order of the documentation. "anyone" needs no token. */
export const operations = {
  enqueueJob: ["POST /jobs", "enqueue"],
  listJobs: ["GET /jobs", "read"],
  clearJobs: ["DELETE /jobs", "admin"],
  cancelJobs: ["POST /jobs/cancel", "admin"],
  rescheduleJobs: ["POST /jobs/reschedule", "admin"],
  getJob: ["GET /jobs/:id", "enqueue"],
  watchJob: ["GET /jobs/:id/events", "enqueue"],
  listChildren: ["GET /jobs/:id/children", "read"],
  updateJob: ["PATCH /jobs/:id", "admin"],
  cancelJob: ["DELETE /jobs/:id", "admin"],
  getFailures: ["GET /failures", "read"],
  getFailure: ["GET /failures/:group", "read"],
  listDeadJobs: ["GET /dead-letter", "read"],
  retryDeadJobs: ["POST /dead-letter/retry", "admin"],
  removeDeadJobs: ["POST /dead-letter/remove", "admin"],
  retryDeadJob: ["POST /dead-letter/:id/retry", "admin"],
  removeDeadJob: ["DELETE /dead-letter/:id", "admin"],
  listSchedules: ["GET /schedules", "read"],
  getSchedule: ["GET /schedules/:key", "read"],
  putSchedule: ["PUT /schedules/:key", "admin"],
  removeSchedule: ["DELETE /schedules/:key", "admin"],
  pauseSchedule: ["POST /schedules/:key/pause", "admin"],
  resumeSchedule: ["POST /schedules/:key/resume", "admin"],
  runSchedule: ["POST /schedules/:key/run", "admin"],
  previewSchedule: ["GET /schedules/:key/preview", "read"],
  getUpcoming: ["GET /upcoming", "read"],
  listFlowControlKeys: ["GET /flow-control", "read"],
  getFlowControlKey: ["GET /flow-control/:key", "read"],
  setFlowControlKey: ["PUT /flow-control/:key", "admin"],
  unsetFlowControlKey: ["DELETE /flow-control/:key", "admin"],
  pauseFlowControlKey: ["POST /flow-control/:key/pause", "admin"],
  resumeFlowControlKey: ["POST /flow-control/:key/resume", "admin"],
  sendSignal: ["POST /signals/:event", "signal"],
  drain: ["POST /drain", "drain"],
  drainByGet: ["GET /drain", "drain"],
  listChanges: ["GET /changes", "read"],
  pause: ["POST /pause", "admin"],
  resume: ["POST /resume", "admin"],
  pauseJobs: ["POST /job-types/:name/pause", "admin"],
  resumeJobs: ["POST /job-types/:name/resume", "admin"],
  rekey: ["POST /rekey", "admin"],
  getStats: ["GET /stats", "read"],
  getHealth: ["GET /health", "anyone"],
  listQueues: ["GET /queues", "read"],
  getActivity: ["GET /activity", "read"],
  getFigures: ["GET /figures", "read"],
  getHistory: ["GET /history", "read"],
  getMetrics: ["GET /metrics", "read"],
  getDescription: ["GET /openapi.json", "anyone"],
} as const satisfies Readonly<Record<string, readonly [Address, Scope | "anyone"]>>;

export type OperationName = keyof typeof operations;

/** The address of each operation, so that a caller that misspells one does not compile. */
export type OperationAddress = (typeof operations)[OperationName][0];

/** The limits of one flow control key. 0 means none. */
export interface FlowLimits {
  /** How many slots it has. */
  readonly concurrency: number;
  /** How many attempts may start in one window. */
  readonly rate: number;
  /** How long a window is. It opens with the first attempt after the previous one has closed. */
  readonly periodMs: number;
  /** Whether jobs run in the order in which they were enqueued, one at a time, whatever `concurrency` says. */
  readonly ordered: boolean;
}

/** The key of a new job. Its limits become those of the key, unless the key's are pinned. */
export interface NewFlow {
  readonly key: string;
  readonly limits: FlowLimits;
}

/** The key of a stored job, and the limits that came with it. They apply if the key is new by then. */
export interface JobFlow extends NewFlow {
  /** The position in the order of the key, which the store gives; 0 if the job was enqueued without an order. */
  readonly order: number;
}

/** Whether another job of the same key may be waiting for this one to end. */
export function takesSlot({ flow }: { readonly flow?: JobFlow | undefined }): boolean {
  return flow !== undefined && (flow.limits.concurrency > 0 || flow.limits.ordered);
}

/** A limit that can be pinned by itself. The order belongs to the concurrency, and the period to the rate. */
export type PinnedLimit = "concurrency" | "rate";

export type PinnedLimits = Readonly<Record<PinnedLimit, boolean>>;

export interface FlowState extends NewFlow {
  /** How many slots are taken, also by expired leases whose jobs were not claimed again. */
  readonly running: number;
  /** How many jobs wait, including scheduled ones. */
  readonly waiting: number;
  /** How many attempts have started in the latest window. */
  readonly startedInWindow: number;
  /** When that window closes; 0 if the key has no rate, or nothing has started yet. */
  readonly windowEndsAt: number;
  readonly paused: boolean;
  /** Which limits were set explicitly, so that no enqueue changes them. */
  readonly pinned: PinnedLimits;
  /** The job at the head of the line. */
  readonly firstId: string | undefined;
}

/** A change of one key. `set` replaces and pins the limits, or `only` one; `rateReset` closes the open window. */
export type FlowChange =
  | { readonly to: "set"; readonly limits: FlowLimits; readonly only?: PinnedLimit | undefined }
  | { readonly to: "unset"; readonly only?: PinnedLimit | undefined }
  | { readonly to: "rateReset" }
  | { readonly to: "paused" }
  | { readonly to: "resumed" };

/** How long a job takes, in tenths of a ms: a whole number, so that all stores compute the same pace. */
export function tenthsOf(ms: number): number {
  return Math.round(ms * 10);
}

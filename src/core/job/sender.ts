/** Who enqueues a job through a door that does not open everything to them. */
export interface Sender {
  /** Stored with the job as `enqueuedBy`. Dedupe keys of different senders are different keys. */
  readonly name: string;
  /** Refuses the flow control key of a job, or that it has none. @throws {TidegateError} */
  checkFlowKey(key: string | undefined): void;
}

// In the registry of symbols, so that another copy of the package finds it. Neither options nor JSON can hold it.
const key = Symbol.for("tidegate.sender");

/** Adds its sender to the options of an enqueue. */
export function withSender<Options extends object>(options: Options, sender: Sender): Options {
  return { ...options, [key]: sender };
}

export function senderOf(options: object): Sender | undefined {
  return (options as { readonly [key]?: Sender })[key];
}

import { encryptedProducer } from "../encryption/encrypted-store.ts";
import { openKeys } from "../encryption/keys.ts";
import type { BulkOptions, TypedBulk } from "../enqueue/bulk.ts";
import { Enqueuer } from "../enqueue/enqueuer.ts";
import { checkOptions, type EnqueueOptions } from "../enqueue/new-job.ts";
import type { AnyJob, JobOrName, PayloadArguments } from "../job/define.ts";
import type { EnqueueResult } from "../job/enqueue.ts";
import { type ProducerOptions, producerOptions, readOptions } from "./options.ts";

/**
 * A queue that only enqueues, for a Worker whose jobs another one runs: a bundle with it is half as large as with a
 * `Queue`.
 *
 * ```ts
 * const queue = new Producer({ store: upstashProducerStore({ url, token }), jobs: [sendEmail] });
 * ```
 */
export class Producer<Jobs extends AnyJob = AnyJob> {
  /** The name of the queue. Its jobs are stored under it. */
  readonly name: string;
  readonly #enqueuer: Enqueuer;

  /** @throws {TidegateError} `invalid_request` for an invalid option, or if two jobs have the same name. */
  constructor(options: ProducerOptions) {
    const { store, ...chosen } = readOptions(options, producerOptions, "new Producer");
    const { queue, wakes, encryption } = chosen;
    const opened = store.open(queue);
    this.name = queue;
    this.#enqueuer = new Enqueuer({
      ...chosen,
      store: encryption ? encryptedProducer(opened, openKeys(queue, encryption)) : opened,
      noteDue: (runAt) => wakes?.by(runAt),
      noteLeased: (endsAt) => wakes?.by(endsAt),
    });
  }

  /** Stores a job, as `Queue.enqueue` does, but not a recurring one. @throws as `Queue.enqueue` */
  enqueue<Job extends Jobs | Jobs["name"]>(
    job: JobOrName<Job>,
    ...payloadAndOptions: PayloadArguments<Job, EnqueueOptions, Jobs>
  ): Promise<EnqueueResult>;
  async enqueue(job: AnyJob | string, payload?: unknown, options: EnqueueOptions = {}): Promise<EnqueueResult> {
    checkOptions(options);
    return this.#enqueuer.one(job, payload, options);
  }

  /** Stores jobs in one atomic call, as `Queue.enqueueMany` does. @throws as `Queue.enqueueMany` */
  async enqueueMany<const Given extends readonly (Jobs | Jobs["name"])[]>(
    jobs: TypedBulk<Given, Jobs> | readonly [],
    options: BulkOptions = {},
  ): Promise<readonly EnqueueResult[]> {
    return this.#enqueuer.many(jobs, options);
  }
}

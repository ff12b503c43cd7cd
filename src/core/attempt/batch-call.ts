import type { BatchItem } from "../job/define.ts";
import type { ClaimedJob } from "./claimed-job.ts";

type BatchHandler = (items: readonly BatchItem<unknown>[]) => unknown;

interface Joined {
  readonly item: BatchItem<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One call of `performBatch` for several attempts. An attempt joins it when its payload is checked, or leaves it if it
 * ends before that. When all have joined or left, the call is made, and each attempt gets its own result.
 */
export class BatchCall<Member extends { readonly job: ClaimedJob }> {
  /** The shortest timeout of its jobs. */
  readonly timeoutMs: number;
  readonly #members: readonly Member[];
  readonly #joined = new Map<Member, Joined>();
  readonly #left = new Set<Member>();
  #handler: BatchHandler | undefined;
  #isMade = false;

  constructor(members: readonly Member[]) {
    this.#members = members;
    this.timeoutMs = Math.min(...members.map(({ job }) => job.timeoutMs));
  }

  get joined(): readonly Member[] {
    return [...this.#joined.keys()];
  }

  /** Whether a throw of `performBatch` fails other jobs besides this one. */
  isShared(member: Member): boolean {
    return this.#joined.size > 1 && this.#joined.has(member);
  }

  /** @returns the result of the member's job. Rejects with what `performBatch` threw. */
  join(member: Member, item: BatchItem<unknown>, handler: BatchHandler): Promise<unknown> {
    const result = new Promise<unknown>((resolve, reject) => {
      this.#joined.set(member, { item, resolve, reject });
    });
    this.#handler = handler;
    this.#callIfComplete();
    return result;
  }

  /** Notes that an attempt has ended. If the call is not made yet, it is made without this attempt. */
  leave(member: Member): void {
    if (this.#isMade) return;
    this.#joined.delete(member);
    this.#left.add(member);
    this.#callIfComplete();
  }

  #callIfComplete(): void {
    const isComplete = this.#joined.size + this.#left.size === this.#members.length;
    if (isComplete && this.#joined.size > 0 && this.#handler) void this.#call(this.#handler);
  }

  async #call(handler: BatchHandler): Promise<void> {
    this.#isMade = true;
    const inOrder = this.#members.flatMap((member) => this.#joined.get(member) ?? []);
    try {
      const results = await handler(inOrder.map(({ item }) => item));
      if (results !== undefined && !(Array.isArray(results) && results.length === inOrder.length))
        throw new Error(
          `performBatch must return nothing, or an array with a result for each of the ${inOrder.length} jobs that it was given.`,
        );
      inOrder.forEach(({ resolve }, index) => {
        resolve(results?.[index]);
      });
    } catch (error) {
      for (const { reject } of inOrder) reject(error);
    }
  }
}

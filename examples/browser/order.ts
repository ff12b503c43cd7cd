import { QueueClient } from "tidegate/client";

export interface Order {
  /** Made once per form, so that submitting it twice makes one order. */
  readonly id: string;
  readonly email: string;
}

/**
 * Anybody can read a page. So its token has the scope `enqueue`: it can enqueue jobs and read one, and nothing else.
 */
export function shop(options: ConstructorParameters<typeof QueueClient>[0]) {
  const queue = new QueueClient(options);
  return async ({ id, email }: Order): Promise<string> => {
    await queue.enqueue("send_report", { email }, { id });
    const job = await queue.wait(id, { timeout: "30s" });
    return job?.state === "completed" ? "Your report is on its way." : "Your report will come later.";
  };
}

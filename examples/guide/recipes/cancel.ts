import { defineJob, isTidegateError, type Queue } from "tidegate";
import { mail, table } from "../services.ts";

interface Cart {
  readonly cart: number;
  readonly email: string;
}

// #region cancel
export const remind = defineJob({
  name: "remind",
  async perform({ cart, email }: Cart, job) {
    if (table.has(`paid ${cart}`)) return; // paid while this started
    await mail(email, "Your cart is waiting", { key: job.id });
  },
});

export const left = (queue: Queue, { cart, email }: Cart) =>
  queue.enqueue(remind, { cart, email }, { id: `remind-${cart}`, delay: "1d" });

export async function paid(queue: Queue, cart: number): Promise<void> {
  await queue.cancel(`remind-${cart}`).catch((error: unknown) => {
    const isOver = isTidegateError(error) && ["not_found", "conflict"].includes(error.code);
    if (!isOver) throw error;
  });
}
// #endregion

/** Where a process that serves QStash's interface and delivers its messages can be killed. */
export const deliveryPoints = [
  /** Messages are about to be stored. */
  "storing",
  /** They were stored, and the publisher does not know it yet. */
  "stored",
  /** Messages were claimed, and the drain does not know it yet. */
  "claimed",
  /** A message is about to be sent. */
  "delivering",
  /** The destination has answered, and the delivery does not know it yet. */
  "delivered",
  /** Outcomes are about to be settled, and their callbacks to be stored. */
  "settling",
  /** They were settled, and the drain does not know it yet. */
  "settled",
  /** A run of a workflow, or what it waits for, is about to change. */
  "changing",
  /** It has changed, and nobody knows it yet. */
  "changed",
] as const;

export type DeliveryPoint = (typeof deliveryPoints)[number];

import { defineJob } from "tidegate";
import { storeRow } from "../services.ts";

// #region define
interface Summary {
  readonly customer: string;
  readonly document: string;
}

export const summarize = defineJob({
  name: "summarize",
  flowControl: { key: ({ customer }: Summary) => `customer-${customer}`, concurrency: 2, rate: 60, period: "1m" },
  async perform({ customer, document }: Summary) {
    await storeRow(`${customer} ${document}`, "summarized");
  },
});
// #endregion

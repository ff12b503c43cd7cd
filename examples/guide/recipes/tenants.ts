import { defineJob } from "tidegate";
import { storeRow } from "../services.ts";

// #region define
interface Summary {
  readonly customer: string;
  readonly document: string;
}

export const summarize = defineJob({
  name: "summarize",
  flowControl: {
    key: ({ customer }: Summary) => `customer-${customer}`,
    rate: 60,
    period: "1m",
    concurrency: 2,
  },
  async perform({ customer, document }: Summary) {
    await storeRow(`${customer} ${document}`, "summarized");
  },
});
// #endregion

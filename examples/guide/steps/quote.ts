import { defineJob } from "tidegate";
import { post } from "./services.ts";

export const quote = defineJob({
  name: "quote",
  async perform({ route }: { readonly route: string }, job) {
    // #region parallel
    const carriers = ["north", "south", "west"];
    const offers = await Promise.all(
      carriers.map((carrier) =>
        job.step(`ask-${carrier}`, (step) => post<{ price: number }>(`carriers/${carrier}`, { route }, step)),
      ),
    );
    // #endregion
    return Math.min(...offers.map(({ price }) => price));
  },
});

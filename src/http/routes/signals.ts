import { signalBody } from "../contract/requests.ts";
import { signalResult } from "../contract/responses.ts";
import { drainSoon } from "../eager.ts";
import { route } from "./route.ts";

export const signalRoutes = [
  route("POST /signals/:event", "sendSignal", "signal", {
    notes:
      "Wakes the jobs that wait for this event in `job.waitFor`. If none does, the signal is kept for the first that will.",
    body: signalBody,
    returns: signalResult,
    refusals: ["conflict", "payload_too_large"],
    async run(call) {
      const { data = null, ...options } = call.body;
      const result = await call.queue.signal(call.target, data, options);
      if (result.woken > 0) drainSoon(call);
      return result;
    },
  }),
];

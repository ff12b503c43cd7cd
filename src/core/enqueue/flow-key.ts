import type { AnyJob } from "../job/define.ts";
import { checkFlowKey, type FlowControl, type FlowControlOptions, flowLimits } from "../job/flow-control.ts";
import { invalidRequest, isTidegateError } from "../shared/errors.ts";
import { asJson } from "../shared/json.ts";
import { withoutUndefined } from "../shared/validate.ts";
import type { NewFlow } from "../store/flow.ts";

/**
 * Finds the flow control key of a new job, if any, and its limits: options of `enqueue` override the definition.
 *
 * @throws {TidegateError} `invalid_request` also for a key function that throws or returns no text.
 */
export function flowOf(
  definition: AnyJob | undefined,
  options: FlowControlOptions | undefined,
  payload: unknown,
): NewFlow | undefined {
  const defined: Partial<FlowControl<never>> | undefined = definition?.flowControl;
  if (!defined && !options) return undefined;
  const { key, ...limits } = { ...defined, ...withoutUndefined(options ?? {}) };
  if (key === undefined) throw invalidRequest("flowControl needs a key: set it in defineJob or at enqueue.");
  const ownKey = typeof key === "function" ? computedKey(key, definition?.name, payload) : key;
  return { key: ownKey, limits: flowLimits(limits) };
}

function computedKey(key: (payload: never) => string, name: string | undefined, payload: unknown): string {
  const about = `The key function in flowControl of the job "${name}"`;
  try {
    // A copy: the function may change what it gets.
    const computed: unknown = key(asJson(payload, "payload") as never);
    checkFlowKey(computed, `What ${about.replace("The", "the")} returns`);
    return computed;
  } catch (error) {
    if (isTidegateError(error)) throw error;
    // The message of the error may hold the payload.
    const thrown = error instanceof Error ? error.name : "value that is no Error";
    throw invalidRequest(`${about} threw a ${thrown}. It must return 1 to 256 characters for every payload.`);
  }
}

import { quote, ReservedError } from "../shared/errors.ts";
import { isReservedName } from "./reserved.ts";

/** Says why a payload may not replace another one; undefined if it may. */
export type CorrectionRule = (before: unknown, after: unknown) => string | undefined;

// In the registry of symbols, so that another copy of the package finds it. Neither options nor JSON can hold it.
const key = Symbol.for("tidegate.interface");

/** Marks a job or a schedule that an interface enqueues itself. */
export function ofInterface<Options extends object>(options: Options): Options {
  return { ...options, [key]: true };
}

/** Marks a definition of an interface. @param rule what others may change of its jobs. Default: nothing. */
export function definedByInterface<Options extends object>(
  options: Options,
  rule: CorrectionRule = () => "The payload of this job cannot be changed: QStash's interface makes it.",
): Options {
  return { ...options, [key]: rule };
}

export function isOfInterface(options: object): boolean {
  return key in options;
}

/** Refuses a change of an interface's payload, unless the interface (the definition, if the queue has it) allows it. */
export function correctionRefusal(
  name: string,
  definition: object | undefined,
  before: unknown,
  change: { readonly payload?: unknown },
): ReservedError | undefined {
  if (!isReservedName(name) || !("payload" in change)) return undefined;
  const rule = (definition as { readonly [key]?: CorrectionRule } | undefined)?.[key];
  const reason = rule
    ? rule(before, change.payload)
    : `Only a queue with the job ${quote(name)} among its jobs can change its payload.`;
  return reason === undefined ? undefined : new ReservedError(reason);
}

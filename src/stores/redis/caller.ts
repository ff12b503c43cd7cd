import type { Meter } from "../../core/store/meter.ts";
import type { Command, Connection } from "./connection.ts";
import type { QueueKeys } from "./keys.ts";
import type { ScriptOf } from "./scripts.generated.ts";
import { textsOf } from "./values.ts";

export type Caller = ReturnType<typeof callerOf>;

export function callerOf(connection: Connection, keys: QueueKeys, meter: Meter | undefined) {
  /** Runs a script whose arguments depend on whether an earlier send may have arrived. */
  const send = async <Args, Reply>(
    script: ScriptOf<Args, Reply>,
    args: (isResend: boolean) => NoInfer<Args>,
    pauseMs?: number,
  ): Promise<Reply> => {
    const argsOf = (isResend: boolean) => textsOf(script.write(args(isResend)));
    return script.read(await connection.run(script, keys, argsOf, meter, pauseMs));
  };
  return {
    connection,
    keys,
    send,
    /** An even number that distinguishes two calls of the same millisecond if one of them is sent again. */
    newNonce: () => 2 * Math.floor(connection.random() * 512),
    run: <Args, Reply>(script: ScriptOf<Args, Reply>, args: NoInfer<Args>): Promise<Reply> => send(script, () => args),
    plain: (...commands: readonly Command[]): Promise<readonly unknown[]> => connection.plain(commands, meter),
  };
}

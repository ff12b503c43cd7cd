import type { Meter } from "../../core/store/meter.ts";
import type { Command, Connection, Sending } from "./connection.ts";
import type { QueueKeys } from "./keys.ts";
import type { ScriptOf } from "./scripts.generated.ts";
import { textsOf } from "./values.ts";

export class Caller {
  readonly connection: Connection;
  readonly keys: QueueKeys;
  readonly meter: Meter | undefined;
  readonly #random: () => number;

  constructor(connection: Connection, keys: QueueKeys, meter: Meter | undefined, random: () => number) {
    this.connection = connection;
    this.keys = keys;
    this.meter = meter;
    this.#random = random;
  }

  /** An even number that distinguishes two calls of the same millisecond if one of them is sent again. */
  newNonce(): number {
    return 2 * Math.floor(this.#random() * 512);
  }

  run<Args, Reply>(script: ScriptOf<Args, Reply>, args: NoInfer<Args>): Promise<Reply> {
    return this.send(script, () => args);
  }

  /** Runs a script whose arguments depend on whether an earlier send may have arrived. */
  async send<Args, Reply>(
    script: ScriptOf<Args, Reply>,
    args: (isResend: boolean) => NoInfer<Args>,
    sending?: Sending,
  ): Promise<Reply> {
    const argsOf = (isResend: boolean) => textsOf(script.write(args(isResend)));
    return script.read(await this.connection.run(script, this.keys, argsOf, this.meter, sending));
  }

  plain(...commands: readonly Command[]): Promise<readonly unknown[]> {
    return this.connection.plain(commands, this.meter);
  }
}

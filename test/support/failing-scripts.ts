import type { Transport } from "../../src/stores/redis/connection.ts";
import { type RespClient, RespError } from "./resp.ts";
import { allScripts, heads, postlude, prelude } from "./scripts.ts";

/** A connection to Redis on which one command of a script can be made to fail. */
export interface FailingTransport extends Transport {
  /**
   * Makes the k-th command fail, counted from 1, of the next script, or of the next commands that are sent together;
   * later ones run completely.
   *
   * @param onFailure is called after the failure, before anyone gets the error.
   */
  failNext(k: number, onFailure: () => Promise<void>): void;
  /** From now on refuses a command in every script, as a missing permission does; undefined allows all again. */
  refuse(command: string | undefined): void;
  /** Whether the requested failure happened: false if the script ran fewer commands. */
  readonly hasFailed: boolean;
}

const sources = new Map(
  allScripts.flatMap(({ shas, body }) =>
    (["plain", "ownExpiry"] as const).map((dialect) => [shas[dialect], { head: heads[dialect], body }] as const),
  ),
);

/** Runs scripts with their own `redis`, which counts commands. @param knowsHsetex false simulates an older server. */
export function failingTransport(redis: RespClient, knowsHsetex = true): FailingTransport {
  let next: { readonly k: number; readonly onFailure: () => Promise<void> } | undefined;
  let hasFailed = false;
  let refused: string | undefined;
  const send = async (command: readonly string[]) => {
    const reply = await redis.send(command);
    if (reply instanceof RespError) throw new Error(reply.message);
    return reply;
  };
  return {
    lockingAddress: undefined,
    words: { access: "", lost: "" },
    keepsOrder: true,
    failNext(k, onFailure) {
      next = { k, onFailure };
      hasFailed = false;
    },
    refuse(command) {
      refused = command;
    },
    get hasFailed() {
      return hasFailed;
    },
    async send([name = "", sha = "", ...rest]) {
      const source = sources.get(sha);
      if (name !== "EVALSHA" || !source) return send([name, sha, ...rest]);
      const failure = next;
      next = undefined;
      const text =
        source.head + countingRedis(failure?.k ?? 0, knowsHsetex, refused) + prelude + source.body + postlude;
      try {
        const reply = await send(["EVAL", text, ...rest]);
        // It has seen to the failure itself: the script is one of the commands that it counts.
        if (failure && Number((reply as readonly unknown[])[0]) > failure.k) {
          hasFailed = true;
          await failure.onFailure();
        }
        return reply;
      } catch (error) {
        hasFailed = String(error).includes("made to fail");
        if (!hasFailed) throw error;
        await failure?.onFailure();
        throw error;
      }
    },
    async sendMany(commands) {
      const failure = next;
      next = undefined;
      const answers = await Promise.all(
        commands.map((command, index) =>
          index + 1 === failure?.k ? new Error("made to fail") : send(command).catch((error: unknown) => error),
        ),
      );
      if (failure && failure.k <= commands.length) {
        hasFailed = true;
        await failure.onFailure();
      }
      return answers;
    },
  };
}

const countingRedis = (k: number, knowsHsetex: boolean, refused = "") => `
local server, made = redis, 0
local function failure(command)
  made = made + 1
  if made == ${k} or command == '${refused}' then return 'made to fail' end
  return command == 'HSETEX' and not ${knowsHsetex} and 'ERR Unknown Redis command called from script'
end
local redis = {
  call = function(command, ...)
    local message = failure(command)
    if message then error(message, 0) end
    return server.call(command, ...)
  end,
  pcall = function(command, ...)
    local message = failure(command)
    if message then return { err = message } end
    return server.pcall(command, ...)
  end,
}
`;

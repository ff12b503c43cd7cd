import type { Transport } from "../redis/connection.ts";
import type { Rest } from "./rest.ts";

/** What one command is answered with. */
interface Answer {
  readonly result?: unknown;
  readonly error?: string;
}

/** Sends commands over HTTP. */
export function transportOf(rest: Rest): Transport {
  return {
    keepsOrder: true,
    lockingAddress: rest.url,
    async send(command, signal) {
      const { result, error } = (await rest.post("", command, signal)) as Answer;
      if (result === undefined) throw new Error(error);
      return result;
    },
    async sendMany(commands, signal) {
      const answers = (await rest.post("pipeline", commands, signal)) as readonly Answer[];
      return answers.map(({ result, error }) => (result === undefined ? new Error(error) : result));
    },
  };
}

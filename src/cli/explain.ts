import { read } from "../client/transport.ts";
import { notFound, TidegateError } from "../core/shared/errors.ts";
import { version } from "../core/shared/version.ts";
import { UNKNOWN_QUEUE } from "../http/contract/problems.ts";
import { openTarget, queueNames } from "./connect.ts";
import { printable } from "./output/text.ts";
import type { Session } from "./session.ts";

/** Adds to a refusal which queues the handler serves, or that it has another version. Leaves other errors unchanged. */
export async function explained(error: TidegateError, session: Session): Promise<TidegateError> {
  const { queue } = session.globals;
  try {
    if (queue !== undefined && error.message === UNKNOWN_QUEUE) {
      const names = (await queueNames(await openTarget(session))).map(printable).join(", ");
      return notFound(`This handler serves no queue named ${printable(queue)}. It serves: ${names}.`);
    }
    if (!/^(Unknown option|Not found\.)/.test(error.message)) return error;
    const { remote, send } = await openTarget(session);
    const theirs = remote ? (await read<{ version?: string }>("status", send("GET", "/health"))).version : version;
    if (theirs === version) return error;
    const [old, other] = theirs ? [`version ${theirs}`, `, or run npx tidegate@${theirs}`] : ["an older version", ""];
    const says = `This command line has version ${version}, and the handler ${old}. Deploy it again${other}.`;
    return new TidegateError(error.code, `${error.message}\n${says}`);
  } catch {
    return error;
  }
}

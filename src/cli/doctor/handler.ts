import { randomUUID } from "node:crypto";
import { connect, type Reply, type Send } from "../../client/transport.ts";
import { fetchWithTimeout, type Target } from "../connect.ts";
import type { Io } from "../io.ts";
import { clockFinding, encryptionFinding, type Finding, findings, isLocal } from "./finding.ts";

const url = findings("url");
const access = findings("access");
const token = findings("token");

/** Checks the connection to a handler. Also returns whether the queue behind it can be read. */
export async function checkHandler(
  target: NonNullable<Target["remote"]>,
  now: () => number,
  io: Io,
): Promise<[Finding[], boolean]> {
  let date: string | null = null;
  const withTimeout = fetchWithTimeout(io);
  const fetch = async (request: Request) => {
    const response = await withTimeout(request).catch(() => Response.error());
    date = response.headers.get("date");
    return response;
  };
  const before = now();
  const send = connect({ ...target, fetch });
  const reached = reachFinding(await send("GET", "/health"));
  const after = now();
  if (reached.status === "fail") return [[reached], false];
  const clock = clockFinding(date === null ? undefined : Date.parse(date), before, after);
  const [status] = await connect({ url: target.url, fetch })("GET", "/stats");
  const isOpen = status === 200;
  const [scope, mayRead] = await tokenFinding(target.token, isOpen, send);
  return [[reached, encryptionFinding(target.url), clock, accessFinding(isOpen, target.url), scope], isOpen || mayRead];
}

const WHERE = "Use the address where it is mounted, such as https://example.com/queue";

function reachFinding([status, given]: Reply): Finding {
  if (status === 0)
    return url.fail("Nothing responds at this address.", "Check the address, the network and the deployment.");
  const body = Object(given) as Readonly<Record<string, unknown>>;
  if (status === 200 && body["status"] === "ok") return url.ok("The handler and its store respond.");
  // The health of a queue with a name takes a token. What is wrong with the token is a finding of its own.
  if (status === 401 && body["code"] === "unauthorized") return url.ok("The handler responds.");
  if (typeof body["code"] === "string" && typeof body["detail"] === "string")
    return status === 404
      ? url.fail(
          "The handler serves nothing at this path: it has another path, or no queue has this name.",
          `${WHERE}, and check --queue if you use it.`,
        )
      : url.fail(`The handler responds, but cannot work: ${body["detail"]}`, "Set what it names in the deployment.");
  return url.fail(`Something other than the handler responded with status ${status}.`, `${WHERE}.`);
}

function accessFinding(isOpen: boolean, address: string): Finding {
  if (!isOpen) return access.ok("Requests without a token are refused.");
  if (isLocal(address)) return access.ok("It is open to anyone, but only on this machine.");
  return access.fail(
    "The handler is open: anybody can do everything without a token.",
    'Pass tokens to createHandler as auth instead of "none", unless something else guards the address.',
  );
}

const TAKE_ADMIN = "Use a token with the scope admin to manage the queue.";

/** What the token allows. Also returns whether it can read the queue. */
async function tokenFinding(given: string | undefined, isOpen: boolean, send: Send): Promise<[Finding, boolean]> {
  if (!given)
    return isOpen
      ? [token.ok("No token is needed."), true]
      : [token.fail("There is no token.", "Set TIDEGATE_TOKEN, or use --token."), false];
  const [status] = await send("GET", "/stats");
  if (status === 200) return [await adminFinding(send), true];
  if (status === 401)
    return [token.fail("The handler does not know the token.", "Compare it with the tokens of the handler."), false];
  if (status !== 403) return [token.unknown(`The handler responded with status ${status}.`), false];
  return [token.warn("The token cannot read. Most commands need more.", TAKE_ADMIN), false];
}

/** A dry run changes nothing, and a token that can only read is refused. */
async function adminFinding(send: Send): Promise<Finding> {
  const [status] = await send("POST", "/dead-letter/retry", JSON.stringify({ ids: [randomUUID()], dryRun: true }));
  if (status === 403)
    return token.warn("The token can only read. Commands that change something need more.", TAKE_ADMIN);
  return token.ok("The token can do everything (scope admin).");
}

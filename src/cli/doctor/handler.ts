import { randomUUID } from "node:crypto";
import { fetchWithTimeout, type Target } from "../connect.ts";
import type { Io } from "../io.ts";
import { clockFinding, encryptionFinding, type Finding, findings, isLocal } from "./finding.ts";

type Remote = NonNullable<Target["remote"]>;

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly date: string | null;
}

const url = findings("url");
const access = findings("access");
const token = findings("token");

/** Checks the connection to a handler. Also returns whether the queue behind it can be read. */
export async function checkHandler(target: Remote, now: () => number, io: Io): Promise<[Finding[], boolean]> {
  const before = now();
  const health = await sendTo(target, "/health", true, io);
  const after = now();
  const reached = reachFinding(health);
  if (!health || reached.status === "fail") return [[reached], false];
  const anyone = await sendTo(target, "/stats", false, io);
  const isOpen = anyone?.status === 200;
  const [scope, mayRead] = await tokenFinding(target, isOpen, io);
  const found = [
    reached,
    encryptionFinding(target.url),
    clockFinding(health.date === null ? undefined : Date.parse(health.date), before, after),
    accessFinding(isOpen, target.url),
    scope,
  ];
  return [found, isOpen || mayRead];
}

/** Sends GET, or POST with the body `sent`. */
async function sendTo(
  target: Remote,
  path: string,
  isAuthorized: boolean,
  io: Io,
  sent?: object,
): Promise<Answer | undefined> {
  const send = fetchWithTimeout(io);
  const headers = {
    ...(isAuthorized && target.token && { Authorization: `Bearer ${target.token}` }),
    ...(sent && { "Content-Type": "application/json" }),
  };
  const post = sent && { method: "POST", body: JSON.stringify(sent) };
  try {
    const response = await send(new Request(target.url + path, { headers, redirect: "manual", ...post }));
    const body = (await response.json().catch(() => ({}))) as Answer["body"] | null;
    return { status: response.status, body: body ?? {}, date: response.headers.get("date") };
  } catch {
    return undefined;
  }
}

const WHERE = "Use the address where it is mounted, such as https://example.com/queue";

function reachFinding(health: Answer | undefined): Finding {
  if (!health)
    return url.fail(
      "Nothing responds at this address.",
      "Check the address, the network, and that the handler is deployed.",
    );
  const { status, body } = health;
  if (status === 200 && body["status"] === "ok") return url.ok("The handler and its store respond.");
  // The health of a queue with a name takes a token. What is wrong with the token is a finding of its own.
  if (status === 401 && body["code"] === "unauthorized") return url.ok("The handler responds.");
  if (typeof body["code"] === "string" && typeof body["detail"] === "string")
    return status === 404
      ? url.fail(
          "The handler serves nothing at this path: it has another path, or no queue has this name.",
          `${WHERE}, and check --queue if you use it.`,
        )
      : url.fail(
          `The handler responds, but cannot work: ${body["detail"]}`,
          "Set what it names where the handler is deployed.",
        );
  return url.fail(`Something other than the handler responded with status ${status}.`, `${WHERE}.`);
}

function accessFinding(isOpen: boolean, address: string): Finding {
  if (!isOpen) return access.ok("Requests without a token are refused.");
  if (isLocal(address)) return access.ok("It is open to everybody, but only on this machine.");
  return access.fail(
    "The handler is open: anybody can do everything without a token.",
    'Pass tokens to createHandler as auth instead of "none", unless something else guards the address.',
  );
}

const TAKE_ADMIN = "Use a token with the scope admin to manage the queue.";

/** What the token allows. Also returns whether it can read the queue. */
async function tokenFinding(target: Remote, isOpen: boolean, io: Io): Promise<[Finding, boolean]> {
  if (!target.token)
    return isOpen
      ? [token.ok("No token is needed."), true]
      : [token.fail("There is no token.", "Set TIDEGATE_TOKEN, or use --token."), false];
  const { status } = (await sendTo(target, "/stats", true, io)) ?? { status: 0 };
  if (status === 200) return [await adminFinding(target, io), true];
  if (status === 401)
    return [token.fail("The handler does not know the token.", "Compare it with the tokens of the handler."), false];
  if (status !== 403) return [token.unknown(`The handler responded with status ${status}.`), false];
  const able = await abilityOf(target, io);
  return [token.warn(`The token can only ${able}. Most commands need more.`, TAKE_ADMIN), false];
}

/** What a token can do that can read no list. Its requests change nothing. */
async function abilityOf(target: Remote, io: Io): Promise<string> {
  // No job has this id, so nothing is shown. Only a token that may enqueue gets 404.
  const job = await sendTo(target, `/jobs/${randomUUID()}`, true, io);
  if (job?.status === 404) return "enqueue";
  // The body is wrong. Only a token that may send signals gets 400.
  const signal = await sendTo(target, `/signals/${randomUUID()}`, true, io, []);
  return signal?.status === 400 ? "send signals" : "drain";
}

/** A dry run changes nothing, and a token that can only read is refused. */
async function adminFinding(target: Remote, io: Io): Promise<Finding> {
  const answer = await sendTo(target, "/dead-letter/retry", true, io, { ids: [randomUUID()], dryRun: true });
  if (answer?.status === 403)
    return token.warn("The token can only read. Commands that change something need more.", TAKE_ADMIN);
  return token.ok("The token can do everything (scope admin).");
}

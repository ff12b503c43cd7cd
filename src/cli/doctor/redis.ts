import type { RedisDatabase, RedisReply } from "../redis-database.ts";
import { clockFinding, encryptionFinding, type Finding, findings } from "./finding.ts";

const address = findings("url");
const token = findings("token");
const eviction = findings("eviction");

/** Checks the connection to a Redis. Also returns whether the queue in it can be read. */
export async function checkRedis(
  database: RedisDatabase,
  prefix: string,
  now: () => number,
): Promise<[Finding[], boolean]> {
  const ask = (...command: string[]) => database.ask(command);
  const reached = reachFinding(await ask("PING"));
  if (reached.status === "fail") return [[reached], false];
  const before = now();
  const time = await ask("TIME");
  const after = now();
  const information = textOf(await ask("INFO"));
  const writes = writeFinding(await ask("DEL", `${prefix}:{tidegate-doctor}:probe`));
  const found = [
    reached,
    encryptionFinding(database.url),
    clockFinding(timeOf(time), before, after),
    writes,
    evictionFinding(information ?? textOf(await ask("CONFIG", "GET", "maxmemory-policy"))),
  ];
  return [found, writes.status !== "fail"];
}

const USED_UP = findings("quota").fail(
  "The command quota of this Redis is used up.",
  "Raise the plan's limit, or wait for the next month.",
);

const UNKNOWN_CALLER = token.fail(
  "Redis does not know the token, or the user and the password.",
  "Set UPSTASH_REDIS_REST_TOKEN to the value in the database's console, or give user and password in the address: redis://user:password@localhost:6379.",
);

/** What an error means, if it means the same for every command. */
function refusalOf({ error = "" }: RedisReply): Finding | undefined {
  if (/max requests limit exceeded/i.test(error)) return USED_UP;
  return /^(WRONGPASS|NOAUTH|Unauthorized)/i.test(error) ? UNKNOWN_CALLER : undefined;
}

function reachFinding(reply: RedisReply): Finding {
  if (reply.result === "PONG") return address.ok("Redis responds.");
  const status = reply.status === undefined ? "" : ` It responded with status ${reply.status}.`;
  const advice = "Check the address or UPSTASH_REDIS_REST_URL, and that the database exists and runs.";
  return refusalOf(reply) ?? address.fail(`No Redis replies at the address.${status}`, advice);
}

/** Whether the caller may write, by what became of a key that nobody has. */
function writeFinding(deleted: RedisReply): Finding {
  if (/^(NOPERM|READONLY)/i.test(deleted.error ?? ""))
    return token.fail(
      "The token or the user can only read.",
      "A queue writes: use the other token of the database, or connect to the primary as a user that may call every command.",
    );
  if (deleted.error === undefined) return token.ok("The queue can read and write.");
  return refusalOf(deleted) ?? token.unknown("Redis did not say whether the queue can write.");
}

function evictionFinding(information: string | undefined): Finding {
  const policy = /maxmemory[_-]policy[:,]([\w-]+)/.exec(information ?? "")?.[1];
  if (policy === undefined)
    return eviction.unknown("Redis does not report its policy.", "Check in its console that eviction is off.");
  if (policy === "noeviction") return eviction.ok("Eviction is off.");
  return eviction.fail(
    `Redis drops jobs when memory runs short (${policy}).`,
    "Turn eviction off in the database's console, or set maxmemory-policy to noeviction.",
  );
}

const timeOf = ({ result }: RedisReply) => (Array.isArray(result) ? Number(result[0]) * 1_000 : undefined);

const textOf = ({ result }: RedisReply) => (result === undefined ? undefined : String(result));

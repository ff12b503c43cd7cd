import { relative, resolve } from "node:path";
import process from "node:process";
import { systemClock } from "../core/shared/clock.ts";
import { isTidegateError } from "../core/shared/errors.ts";
import type { Dev } from "../dev/index.ts";
import { readRedisUrl } from "../dev/redis-address.ts";
import { LOCAL_NAMES } from "../dev/start.ts";
import { wholeNumber } from "./fields.ts";
import { counted, printable, printableLines, toJson } from "./output/text.ts";
import { described, type Stub, UsageError } from "./program.ts";
import type { Session } from "./session.ts";
import { attemptPrinter, printing } from "./work/attempt-lines.ts";
import { Display } from "./work/display.ts";

const DESCRIPTION = `Starts what your app needs on this machine, offline and without an account: a Redis behind Upstash's REST API, and a cron
that calls your app's drain route when something is due in any of its queues, and every minute. It also serves the dashboard.

It prints the lines for the app's environment, and writes those of the REST API into a file with --write. The token stays the same
from one start to the next. Then it prints a line for each attempt.

It starts the redis-server or valkey-server on your PATH, with its data in --dir, or uses the Redis that --redis names.
It sends TIDEGATE_TOKEN, TIDEGATE_ADMIN_TOKEN or CRON_SECRET to the drain route as a bearer token, from the environment
or else from the file that --write names.`;

export function defineDev(command: Stub, session: Session): void {
  described(
    command,
    DESCRIPTION,
    ["tidegate dev --write .env.local --drain http://localhost:3000/api/queue/drain", "alongside next dev"],
    ["tidegate dev --write .dev.vars --drain http://localhost:8787/queue/drain", "alongside wrangler dev"],
  )
    .option("--drain <url>", "the drain route of your app, such as http://localhost:3000/api/queue/drain")
    .option("--write <file>", "write the two lines of the REST API into this file: .env.local, .dev.vars")
    .option("--redis <url>", "use this Redis, such as redis://localhost:6379, instead of one of its own")
    .option("--dir <directory>", "where tokens and data are kept", ".tidegate")
    .option("--port <port>", "the dashboard's port", wholeNumber(1, 65_535), 8078)
    .option("--qstash", "serve QStash's interface alongside the dashboard, and print the lines that its SDKs need")
    .option("--rest-port <port>", "the port of Upstash's REST API", wholeNumber(1, 65_535), 8079)
    .action(async ({ port, restPort, dir, write, qstash = false, ...addresses }) => {
      const { globals } = session;
      const other = (["url", "token", "queue", "module"] as const).find((name) => globals[name] !== undefined);
      if (other)
        throw new UsageError(`--${other} is not for dev.`, "The address of your app's drain route is --drain.");
      const drain = addresses.drain === undefined ? undefined : drainUrl(addresses.drain);
      const redis = addresses.redis === undefined ? undefined : readRedisUrl(addresses.redis);
      if (addresses.redis !== undefined && !redis)
        throw new UsageError("--redis is not a valid URL.", "It looks like redis://localhost:6379.");
      if (dir === "") throw new UsageError("--dir is empty.", "Name a directory, or leave it out.");
      if (port === restPort) throw new UsageError("--port and --rest-port must differ.");
      if (drain && LOCAL_NAMES.includes(drain.hostname) && [port, restPort].includes(Number(drain.port)))
        throw new UsageError("--drain names tidegate dev itself.", "Name your app's drain route, or change --port.");
      const { io } = session;
      const { clock = systemClock, env, cwd } = io;
      // Only this command needs it.
      const { startDev } = await import("../dev/index.ts");
      const display = new Display(session);
      const print = attemptPrinter(display, session);
      const dev = await startDev({
        ...{ redis, drain, port, restPort, env, clock, qstash },
        directory: resolve(cwd, dir),
        write: write === undefined ? undefined : resolve(cwd, write),
        prefix: globals.prefix,
        hooks: printing({ clock, print }),
        onEnded({ attempts, others }) {
          for (const attempt of attempts) print(attempt);
          if (others > 0) session.note(`${counted(others, "more attempt")} ended, of jobs that are not kept.`);
        },
        onProblem: (problem) => (problem === undefined ? session.note("The app responds.") : note(problem, session)),
        onError: errorPrinter(session),
      });
      const document = { ...dev.restEnv, ...dev.qstashEnv, dashboard: dev.dashboardUrl, redis: dev.redis };
      const place = redis ? "" : `, with its data in ${relative(cwd, resolve(cwd, dir)) || "."}`;
      const found = dir === ".tidegate" ? "\n           npx tidegate queue:list finds it by itself in this folder" : "";
      session.print(document, () => startScreen(dev, { drain, write, place: place + found }, session));
      await io.untilInterrupted((signal) => dev.run(signal));
    });
}

/** Commander would repeat an address that it refuses, with the password in it. */
function drainUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.hash)
    throw new UsageError(
      "--drain is not a valid URL.",
      "It looks like http://localhost:3000/api/queue/drain, with no password in it.",
    );
  return url;
}

function startScreen(
  dev: Dev,
  { drain, write, place }: { readonly drain: URL | undefined; readonly write: string | undefined; place: string },
  { colors, globals: { prefix } }: Session,
): string {
  const lines = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => `${name}=${colors.cyan(value)}`);
  const seconds = (performance.now() / 1_000).toFixed(1);
  const drains = drain
    ? `${drain.origin}${drain.pathname} when something is due, and every minute`
    : colors.yellow("nothing: add --drain with the address of your app's drain route");
  return [
    `${colors.bold("tidegate dev")} ${colors.dim(`ready in ${seconds} s`)}`,
    "",
    colors.dim(`# ${write === undefined ? "For your app" : `Written to ${write}`}`),
    ...lines(dev.restEnv),
    "",
    ...(dev.qstashEnv ? [colors.dim("# For QStash's SDKs"), ...lines(dev.qstashEnv), ""] : []),
    `${colors.bold("Dashboard")}  ${colors.cyan(dev.dashboardUrl)}`,
    `${colors.bold("Redis")}      ${dev.redis}${place}`,
    `${colors.bold("Queues")}     ${prefix === undefined ? "all in this Redis" : `those with the prefix ${printable(prefix)}`}`,
    `${colors.bold("Drains")}     ${drains}`,
    "",
    colors.dim(`Press Ctrl-C to stop, or: kill ${process.pid}. Attempts follow.`),
  ].join("\n");
}

const REMIND_AFTER_MS = 60_000;

/** Makes the function that prints what went wrong here; the same at most once a minute. */
function errorPrinter(session: Session): (error: unknown) => void {
  const shownAt = new Map<string, number>();
  return (error) => {
    // Messages of foreign errors can hold anything.
    const message = isTidegateError(error) ? error.message : "An error was thrown.";
    if (session.now - (shownAt.get(message) ?? Number.NEGATIVE_INFINITY) < REMIND_AFTER_MS) return;
    shownAt.set(message, session.now);
    note(message, session);
  };
}

function note(message: string, { io, isJson, colors }: Session): void {
  if (isJson) io.stderr.write(`${toJson({ error: { code: "not_drained", message } })}\n`);
  else io.stderr.write(`${colors.yellow(printableLines(message))}\n`);
}

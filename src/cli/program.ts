import { Command, type CommandUnknownOpts, Help } from "@commander-js/extra-typings";
import { version } from "../core/shared/version.ts";
import type { Io } from "./io.ts";
import { type Colors, columnsOf, isTerminal } from "./output/text.ts";

export type Program = ReturnType<typeof createProgram>;

export type Globals = ReturnType<Program["opts"]>;

const DESCRIPTION = `Manages a job queue and runs its jobs.

TIDEGATE_URL and TIDEGATE_TOKEN name a deployed handler. TIDEGATE_URL=redis://localhost:6379, or
UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN, name the Redis that holds the queue.`;

const EPILOGUE = `
Where to look:
  does a queue grow, is it late      queue:list, queue:doctor
  what broke, and who is affected    queue:failures --since 24h, or TYPE
  retry dead jobs, and what became   queue:dlq retry --name TYPE
  a type: paused, against yesterday  queue:types, queue:types TYPE
  stop a job type                    queue:types pause TYPE --reason WHY
  a customer's jobs                  queue:jobs --search customer=5
  one job, its children, its wait    queue:jobs ID
  remove one job                     queue:jobs cancel ID
  what runs now, longest first       queue:jobs --state running
  who holds a key                    queue:flow KEY
  schedules that fail; the next hour queue:schedules, queue:schedules upcoming
  who changed what                   queue:changes --since 1h

Exit codes: 0 success, 1 failure, 2 usage error.`;

/** What a group does if no subcommand is named. Its help is that of the group. */
const listIn = ({ commands }: CommandUnknownOpts) => commands.find((each) => each.name() === "list");

/** A mistake in a command. The exit code is 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

export function createProgram(io: Io, isJson: boolean, colors: Colors) {
  const help = Object.assign(new Help(), { showGlobalOptions: true });
  const width = () => (isTerminal(io.stdout, io.env) ? columnsOf(io.stdout) : 80);
  return new Command("tidegate")
    .description(DESCRIPTION)
    .version(version, "-V, --version", "show the version")
    .helpOption("-h, --help", "show this help")
    .helpCommand("help [command...]", "show the help of a command")
    .option("--url <address>", "a handler (https://example.com/queue) or a Redis (redis://localhost:6379)")
    .option("--token <token>", "its token; prefer TIDEGATE_TOKEN, since other users can see arguments")
    .option("--queue <name>", "which queue (default: all in lists, else a handler's first, or the one named default)")
    .option("--prefix <text>", 'the prefix of keys in Redis (default: "tidegate")')
    .option("--module <file>", "a module with your jobs or your queue; can be TypeScript")
    .option("--json", "print one JSON document, and errors as JSON too")
    .exitOverride()
    .configureHelp({
      showGlobalOptions: true,
      minWidthToWrap: 30,
      styleTitle: (title) => colors.bold(title),
      // Arguments of commands of the program would leave no room for what these do.
      subcommandTerm: (command) =>
        help.subcommandTerm(command).replace(command.parent?.parent ? " [options]" : / .*/, ""),
      visibleArguments: (command) => [...(listIn(command) ?? command).registeredArguments],
      visibleOptions: (command) => [...(listIn(command)?.options ?? []), ...help.visibleOptions(command)],
      // Where a queue is, an operator has set once.
      visibleGlobalOptions: (command) =>
        help.visibleGlobalOptions(command).filter(({ long }) => /queue|json/.test(long ?? "")),
    })
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => isJson || io.stderr.write(text),
      // Errors are also thrown. `run` prints them.
      outputError: () => {},
      getOutHelpWidth: width,
      getErrHelpWidth: width,
      getOutHasColors: () => colors.isColorSupported,
      getErrHasColors: () => colors.isColorSupported,
    })
    .addHelpText("after", EPILOGUE);
}

/** A command of the program that has a name and a line in the list of commands, but no options and no action yet. */
export type Stub = ReturnType<Program["command"]>;

/** Gives a command the text of its help. Joins the lines of paragraphs. */
export function described(
  command: CommandUnknownOpts | Stub,
  description: string,
  ...examples: readonly (readonly [command: string, meaning: string])[]
) {
  const lines = examples.map(([command, meaning]) => `  # ${meaning}\n  ${command}`);
  return (command as Stub)
    .description(description.replace(/(\S)\n(?=\S)/g, "$1 "))
    .addHelpText("after", lines[0] ? `\nExamples:\n${lines.join("\n")}` : "");
}

/** "queue:dlq takes list, show, retry or remove. Did you mean retry?" */
export function subcommandsOf(group: CommandUnknownOpts, typed = ""): string {
  const names = group.commands.map((each) => each.name());
  const [meant = typed] = nearest(typed.replace(/^(remove|delete)$/, "cancel"), names);
  const question = meant === typed ? "" : ` Did you mean ${meant}?`;
  return `${group.name()} takes ${names.slice(0, -1).join(", ")} or ${names.at(-1)}.${question}`;
}

/** The names that a misspelt one may mean, the nearest first: they share half of its pairs of letters, or `least`. */
export function nearest(typed: string, names: readonly string[], least = (typed.length + 1) / 2): readonly string[] {
  const pairs = [...` ${typed}`].map((letter, index) => letter + (typed[index] ?? " "));
  const alike = (name: string) => pairs.filter((pair) => ` ${name} `.includes(pair)).length;
  return [...new Set(names)].filter((name) => alike(name) >= least).sort((one, other) => alike(other) - alike(one));
}

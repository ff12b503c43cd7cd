import { Argument } from "@commander-js/extra-typings";
import { bashScript, fishScript, zshScript } from "../completion/scripts.ts";
import { type CommandWords, wordsOf } from "../completion/words.ts";
import { addCommand } from "../program.ts";
import type { Session } from "../session.ts";

const scripts: Readonly<Record<string, (commands: readonly CommandWords[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export function addCompletion(session: Session): void {
  addCommand(
    session.program,
    "completion",
    "print a script that lets your shell complete commands",
    "Prints a script for your shell. It completes commands, options and their values, and reads nothing from a queue.",
    ["tidegate completion fish > ~/.config/fish/completions/tidegate.fish", "once"],
    ['eval "$(tidegate completion bash)"', "in ~/.bashrc, with the command installed"],
    ['eval "$(tidegate completion zsh)"', "in ~/.zshrc, after compinit"],
  )
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(scripts)))
    .action((shell) => {
      const script = scripts[shell]?.(wordsOf(session.program)) ?? "";
      session.print({ shell, script }, () => script);
    });
}

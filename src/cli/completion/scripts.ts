import type { CommandWords } from "./words.ts";

/** A word of a shell, in single quotes. */
const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

const NOTE = "# Completes the commands of tidegate. Made by: tidegate completion";

/** The cases of a shell that decide by the command so far, and the values that its options take. */
function casesOf(commands: readonly CommandWords[]) {
  const words = commands.map(({ path, subcommands, options, values }) => {
    const names = [...values, ...[...subcommands, ...options].map(({ name }) => name)].join(" ");
    return `    ${quote(path)}) words=${quote(names)} ;;`;
  });
  const values = commands.flatMap(({ path, options }) =>
    options.flatMap(({ name, takesValue, choices }) =>
      takesValue ? [`    ${quote(`${path} ${name}`)}) words=${quote(choices.join(" "))} takes=1 ;;`] : [],
    ),
  );
  const groups = commands.flatMap(({ path, subcommands }) =>
    subcommands.map(({ name }) => quote(`${path} ${name}`.trim())),
  );
  return { words: words.join("\n"), values: values.join("\n"), groups: groups.join("|") };
}

/**
 * Bash breaks words at colons, as in queue:jobs. So the function reads the line itself, and returns what follows the
 * last colon. After an option with any value it returns nothing, and bash completes names of files.
 */
export function bashScript(commands: readonly CommandWords[]): string {
  const { words, values, groups } = casesOf(commands);
  return `${NOTE} bash
_tidegate() {
  local line="\${COMP_LINE:0:COMP_POINT}" current="" command="" previous="" words="" takes="" word
  local -a typed
  read -ra typed <<< "$line"
  if [[ "$line" != *[[:space:]] ]]; then
    current="\${typed[\${#typed[@]}-1]}"
    unset "typed[\${#typed[@]}-1]"
  fi
  for word in "\${typed[@]:1}"; do
    case "\${command:+$command }$word" in
    ${groups}) command="\${command:+$command }$word" ;;
    esac
    previous="$word"
  done
  case "$command $previous" in
${values}
  esac
  if [[ -z "$takes" ]]; then
    case "$command" in
${words}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [[ "$current" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then
    local i before="\${current%"\${current##*:}"}"
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]="\${COMPREPLY[i]#"$before"}"; done
  fi
}
complete -o default -F _tidegate tidegate`;
}

export function zshScript(commands: readonly CommandWords[]): string {
  const { words, values, groups } = casesOf(commands);
  return `#compdef tidegate
${NOTE} zsh
_tidegate() {
  local command="" previous="" words="" takes="" word typed=("\${(@)words[2,CURRENT-1]}")
  for word in $typed; do
    case "\${command:+$command }$word" in
    ${groups}) command="\${command:+$command }$word" ;;
    esac
    previous="$word"
  done
  case "$command $previous" in
${values}
  esac
  if [[ -z "$takes" ]]; then
    case "$command" in
${words}
    esac
  fi
  if [[ -n "$words" ]]; then compadd -- \${=words}; else _files; fi
}
compdef _tidegate tidegate`;
}

export function fishScript(commands: readonly CommandWords[]): string {
  const lines = commands.flatMap(({ path, subcommands, options, values }) => {
    const [command = "", subcommand] = path.split(" ");
    const seen = [command, subcommand].flatMap((name) => (name ? `__fish_seen_subcommand_from ${name}` : []));
    const others = subcommands.map(({ name }) => name).join(" ");
    const isNext = seen.length === 0 ? "__fish_use_subcommand" : `not __fish_seen_subcommand_from ${others}`;
    const at = (conditions: readonly string[]) =>
      conditions.length > 0 ? ` -n ${quote(conditions.join("; and "))}` : "";
    return [
      ...values.map((value) => `complete -c tidegate -f${at(seen)} -a ${quote(value)}`),
      ...subcommands.map(
        ({ name, meaning }) => `complete -c tidegate -f${at([...seen, isNext])} -a ${quote(name)} -d ${quote(meaning)}`,
      ),
      ...options.map(({ name, meaning, takesValue, choices }) => {
        const value = !takesValue ? "" : choices.length > 0 ? ` -x -a ${quote(choices.join(" "))}` : " -r";
        return `complete -c tidegate${at(seen)} -l ${name.replace(/^--/, "")}${value} -d ${quote(meaning)}`;
      }),
    ];
  });
  return [`${NOTE} fish`, ...new Set(lines)].join("\n");
}

// The header of a script is its schema. `-- @arg NAME TYPE, NAME TYPE` lists arguments in their order, and `-- @reply`
// what the script returns, or just TYPE if that is one value. What follows two spaces is a comment. A TYPE is
//   text | number | digits | flag | one|another   (digits: a number that Lua keeps as text; flag: 0 or 1)
//   list(TYPE) | rows(NAME NAME:TYPE ...)          (in rows, NAME alone is a text)
//   columns(NAME NAME:TYPE* ...)                   (rows, a column after the other; Lua gets a list of each)
// `?` after a type: '' stands for none. `*`: of a column, equal values in a row come once, after their number. One list
// ends the arguments, or the reply. Any list before it comes after its length; a reply with several nests them.

interface Field {
  readonly name: string;
  readonly type: string;
  /** The fields that a list repeats. A list of plain values has one without a name. */
  readonly row?: readonly Field[] | undefined;
  readonly isColumns?: boolean;
}

export const camel = (name: string) => name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

function fieldsOf(source: string, tag: string): readonly Field[] {
  const lines = [...source.matchAll(/^-- @(\w+) (.+?)(?: {2}.*)?$/gm)];
  return lines.flatMap(([, of, fields = ""]) => (of === tag ? fields.split(", ").map(readField) : []));
}

function readField(text: string): Field {
  const [, name = "", type = "", list, repeated, rows] =
    /^(?:(\w+) )?((?:text|number|digits|flag|\w+(?:\|\w+)+)[?*]?|list\((.+)\)|(rows|columns)\((.+)\))$/.exec(text) ??
    [];
  if (type === "") throw new Error(`The header of a Lua script has a value of no known type: ${text}`);
  const row = list === undefined ? rows?.split(" ").map(toNamed) : [list];
  return { name, type, row: row?.map(readField), isColumns: repeated === "columns" };
}

const toNamed = (text: string) => text.replace(/^\w+(?=\*?$)/, "$&:text").replace(":", " ");

/** @returns the Lua that reads the arguments of a script into variables of their names. */
export function luaReader(source: string): string {
  const args = fieldsOf(source, "arg");
  // Where the arguments stand: after those before this place, and after all that is read there.
  let [before, place] = ["", 1];
  const lines = args.map((field, index) => {
    const { name, type, row, isColumns } = field;
    const at = `${before}${place++}`;
    if (!row) return `local ${name} = ${luaValue(type, at)}\n`;
    if (!isColumns && index === args.length - 1) return `local ${name} = {} ${luaRows(field, at, "#ARGV")}\n`;
    const declares = before === "" ? "local " : "";
    [before, place] = ["arguments_read + ", 1];
    if (isColumns) return `local ${name} = {} ${declares}arguments_read = ${at} ${luaColumns(field)}\n`;
    const last = `${at} + ${row.length} * ARGV[${at}]`;
    return `local ${name} = {} ${luaRows(field, `${at} + 1`, last)} ${declares}arguments_read = ${last}\n`;
  });
  return lines.join("");
}

function luaRows({ name, row = [] }: Field, first: string, last: string): string {
  const values = row.map((field, offset) => {
    const value = luaValue(field.type, `i + ${offset}`.replace(" + 0", ""));
    return field.name === "" ? value : `${field.name} = ${value}`;
  });
  const value = row[0]?.name === "" ? values : `{ ${values.join(", ")} }`;
  return `for i = ${first}, ${last}, ${row.length} do ${name}[#${name} + 1] = ${value} end`;
}

function luaColumns({ name, row = [] }: Field): string {
  const columns = row.map((field) => {
    const value = "local value = ARGV[arguments_read + 2]";
    const read = field.type.endsWith("*")
      ? `while #list < count do ${value} for i = #list + 1, #list + ARGV[arguments_read + 1] do list[i] = value end arguments_read = arguments_read + 2 end`
      : "for i = 1, count do list[i] = ARGV[arguments_read + i] end arguments_read = arguments_read + count";
    return `list = {} ${read} ${name}.${field.name} = list`;
  });
  return `do local count, list = tonumber(ARGV[arguments_read]) ${columns.join(" ")} end`;
}

function luaValue(type: string, place: string): string {
  if (type.startsWith("number")) return `tonumber(ARGV[${place}])`;
  return type.startsWith("flag") ? `ARGV[${place}] == '1'` : `ARGV[${place}]`;
}

/** @returns the properties of a script that write its arguments and read its reply. */
export function codec(source: string): readonly string[] {
  const args = fieldsOf(source, "arg");
  const reply = fieldsOf(source, "reply");
  if (!reply[0]) throw new Error("The header of a Lua script does not say what it replies.");
  const read = reply[0].name === "" ? reader(reply[0], "reply") : `((row) => ${object(reply)})(arrayOf(reply))`;
  return [
    `write: (args: ${argsType(args)}) => [${args.flatMap(writer).join(", ")}]`,
    // In a function, so that a bundler leaves out the scripts that nobody uses.
    `read: (reply: unknown) => ${read}`,
  ];
}

function argsType(args: readonly Field[]): string {
  const fields = args.map((field) => {
    const name = camel(field.name);
    return `readonly ${field.type.endsWith("?") ? `${name}?: undefined | ` : `${name}: `}${valueType(field)}`;
  });
  return `{ ${fields.join("; ")} }`;
}

function valueType({ type, row }: Field): string {
  if (row?.[0]) return `ReadonlyArray<${row[0].name === "" ? valueType(row[0]) : argsType(row)}>`;
  const kind = type.replace(/[?*]$/, "");
  if (kind.includes("|")) return `"${kind.replaceAll("|", '" | "')}"`;
  return { text: "string", flag: "boolean" }[kind] ?? "number";
}

/** The TypeScript that writes an argument as values. */
function writer({ name, row, isColumns }: Field, index: number, { length }: readonly Field[]): readonly string[] {
  const value = `args.${camel(name)}`;
  if (!row) return [value];
  const each = row.map((field) => `row.${camel(field.name)}`).join(", ");
  const columns = row.map((field) => `["${camel(field.name)}", ${field.type.endsWith("*")}]`).join(", ");
  const values = isColumns
    ? `...columnsOf(${value}, [${columns}])`
    : `...${row[0]?.name === "" ? value : `${value}.flatMap((row) => [${each}])`}`;
  return !isColumns && index === length - 1 ? [values] : [`${value}.length`, values];
}

/** The TypeScript that reads a field of a reply from a value. */
function reader(field: Field, value: string): string {
  const { type, row } = field;
  if (row?.[0]?.name === "") return `arrayOf(${value}).map((value) => ${reader(row[0], "value")})`;
  if (row) return `rowsOf(${value}, ${row.length}, (row, at) => ${object(row, "at + ")})`;
  if (type.endsWith("?"))
    return `${value} === "" ? undefined : ${reader({ ...field, type: type.slice(0, -1) }, value)}`;
  if (type === "flag") return `Number(${value}) === 1`;
  if (type.includes("|")) return `String(${value}) as ${valueType(field)}`;
  return `${type === "text" ? "String" : "Number"}(${value})`;
}

/** The object of the values in `row`. @param from what comes before the number of each. */
function object(fields: readonly Field[], from = ""): string {
  const isRest = fields.filter(({ row }) => row).length === 1;
  const values = fields.map((field, at) => {
    return `${camel(field.name)}: ${reader(field, field.row && isRest ? `row.slice(${at})` : `row[${from}${at}]`)}`;
  });
  return `({ ${values.join(", ")} })`;
}

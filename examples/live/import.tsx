import { useState } from "react";
import { useJob } from "tidegate/react";
import type { importCsv } from "./queue.ts";

// #region page
interface Started {
  readonly token: string;
  readonly total: number;
}

export function Import() {
  const [started, setStarted] = useState<Started>();
  const upload = async (form: FormData) => {
    const response = await fetch("/imports", { method: "POST", body: form.get("file") });
    setStarted(await response.json());
  };
  return (
    <form action={upload}>
      <input type="file" name="file" accept=".csv" aria-label="Rows" required />
      <button type="submit">Import</button>
      {started && <Progress {...started} />}
    </form>
  );
}

function Progress({ token, total }: Started) {
  const { state, progress, result, error, watchError } = useJob<typeof importCsv>({ url: "/queue", token });
  if (watchError) return <p role="alert">{watchError.message}</p>;
  if (state === "completed") return <output>{result?.imported} rows imported.</output>;
  if (state === "dead" || state === "gone") return <p role="alert">The import has failed. {error?.message}</p>;
  return <progress aria-label="Import" value={Number(progress ?? 0)} max={total} />;
}
// #endregion

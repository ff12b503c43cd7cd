// npm run soak: tries to break what docs/guarantees.md promises, at length. Arguments go on to test/soak/main.ts.
import { createJiti } from "jiti";

const { main } = await createJiti(import.meta.url).import("../test/soak/main.ts");
process.exitCode = await main(process.argv.slice(2));
